#!/usr/bin/env bash
# Builds the Apache Dubbo programs with Maven into build/interop. Nothing is fetched or compiled when nothing changed.
# Exit status: 0 built, 77 something that this machine lacks (the reason is printed), 1 the build itself failed.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${INTEROP_BUILD:-$here/../../build/interop}

for tool in java javac mvn; do
  command -v "$tool" >/dev/null || { echo "interop: $tool is missing: run scripts/setup.sh --tests"; exit 77; }
done

mkdir -p "$out"
out=$(cd "$out" && pwd)
exec 9>"$out/lock"
flock 9

stamp=$(cd "$here/java" && find . -type f | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -d' ' -f1)
if [[ -f $out/stamp && $(<"$out/stamp") == "$stamp" ]]; then
  echo "interop: up to date in $out"
  exit 0
fi

log=$out/maven.log
maven() {
  (cd "$here/java" && mvn --batch-mode --no-transfer-progress "$@" -Dinterop.out="$out" process-classes) >"$log" 2>&1
}

# A jar of another version that stays behind would be on the class path too.
rm -rf "$out/dubbo27" "$out/dubbo3" "$out/stamp"
echo "interop: building with Maven (log: $log)"
if ! maven --offline && ! maven; then
  if grep -qE 'Could not (transfer|resolve)|Unknown host|Connection (refused|timed out)|UnresolvableModel' "$log"; then
    echo "interop: Maven Central cannot be reached, and the local repository lacks what the build needs:"
    grep -m 3 '\[ERROR\]' "$log" || true
    exit 77
  fi
  echo "interop: the build failed:"
  grep '\[ERROR\]' "$log" | head -20
  exit 1
fi
echo "$stamp" >"$out/stamp"
echo "interop: built $(cd "$out" && echo dubbo27/lib/dubbo-*.jar dubbo3/lib/dubbo-*.jar)"
