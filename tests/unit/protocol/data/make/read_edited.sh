#!/usr/bin/env bash
# Makes ../read_by_dubbo.txt anew: what the decoders of Apache Dubbo make of edited requests. Needs the built unit
# tests.
#
#   read_edited.sh [UNIT_PROTOCOL]    default build/dev/tests/unit/unit_protocol
set -euo pipefail
unit=$(realpath "${1:-build/dev/tests/unit/unit_protocol}")
cd "$(dirname "${BASH_SOURCE[0]}")"
source ./dubbo.sh

RPCTEE_WRITE_EDITED="$work/edited" "$unit" --gtest_filter='RequestEdit.DubboItselfReadsWhatWasEdited' > "$work/log" || true

for profile in dubbo2723 dubbo3216; do
  compile "$profile" MakeRequests.java ReadEdited.java
  run "$profile" ReadEdited .. "$work/edited" "$profile"
done | { echo '# request, edit, hash of the edited frame, and what the decoders of Apache Dubbo say: make/read_edited.sh'
  cat; } > ../read_by_dubbo.txt
