#!/usr/bin/env bash
# Makes ../read_by_dubbo.txt anew: what the decoders of Apache Dubbo make of edited requests. Needs the built unit tests.
#
#   read_edited.sh [UNIT_PROTOCOL]    default build/dev/tests/unit/unit_protocol
set -euo pipefail
unit=$(realpath "${1:-build/dev/tests/unit/unit_protocol}")
cd "$(dirname "${BASH_SOURCE[0]}")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

RPCTEE_WRITE_EDITED="$work/edited" "$unit" --gtest_filter='RequestEdit.DubboItselfReadsWhatWasEdited' > "$work/log" || true

for profile in dubbo2723 dubbo3216; do
  mvn --batch-mode --quiet -Dstyle.color=never --no-transfer-progress -P"$profile" dependency:copy-dependencies -DoutputDirectory="$work/$profile" >&2  # it prints colours
  javac -cp "$work/$profile/*" -d "$work/$profile/classes" MakeRequests.java ReadEdited.java
  mkdir "$work/$profile/classes/security"
  printf 'MakeRequests\nReadEdited\n' > "$work/$profile/classes/security/serialize.allowlist"
  java -XX:TieredStopAtLevel=1 \
    --add-opens java.base/java.io=ALL-UNNAMED --add-opens java.base/java.lang=ALL-UNNAMED \
    --add-opens java.base/java.math=ALL-UNNAMED --add-opens java.base/java.net=ALL-UNNAMED \
    --add-opens java.base/java.text=ALL-UNNAMED --add-opens java.base/java.time=ALL-UNNAMED \
    --add-opens java.base/java.util=ALL-UNNAMED --add-opens java.base/java.util.concurrent=ALL-UNNAMED \
    --add-opens java.sql/java.sql=ALL-UNNAMED \
    -cp "$work/$profile/classes:$work/$profile/*" ReadEdited .. "$work/edited" "$profile" 2> "$work/log" ||
    { cat "$work/log" >&2; exit 1; }
done | { echo '# request, edit, hash of the edited frame, and what the decoders of Apache Dubbo say: make/read_edited.sh'
  cat; } > ../read_by_dubbo.txt
