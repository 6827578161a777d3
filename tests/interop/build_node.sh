#!/usr/bin/env bash
# Installs the npm packages of node/ into build/interop/node. Nothing is fetched when nothing changed.
# Exit status: 0 installed, 77 something that this machine lacks (the reason is printed).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${INTEROP_BUILD:-$here/../../build/interop}/node

for tool in node npm; do
  command -v "$tool" >/dev/null || { echo "interop: $tool is missing: run scripts/setup.sh --tests"; exit 77; }
done

mkdir -p "$out"
exec 9>"$out/lock"
flock 9

if cmp -s "$here/node/package-lock.json" "$out/installed.json"; then
  echo "interop: up to date in $out"
  exit 0
fi

log=$out/npm.log
rm -f "$out/installed.json"
cp "$here/node/package.json" "$here/node/package-lock.json" "$out"
echo "interop: installing npm packages (log: $log)"
if ! npm ci --prefix "$out" --ignore-scripts --no-audit --no-fund >"$log" 2>&1; then
  echo "interop: the npm packages cannot be installed:"
  grep -m 3 'npm error' "$log" || true
  exit 77
fi
cp "$out/package-lock.json" "$out/installed.json"
echo "interop: installed $(ls "$out/node_modules" | wc -l) npm packages"
