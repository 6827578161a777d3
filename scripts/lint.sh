#!/usr/bin/env bash
# clang-tidy 16 over userspace/ and the sample programs, with the checks of .clang-tidy. Needs a built tree.
#
#   lint.sh [BUILD_DIR]    default build/dev, for its compile_commands.json and generated headers
#
# A file that passed is not looked at again until it, a header or .clang-tidy changes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly BUILD=${1:-build/dev}
readonly JOBS=2

[[ -f "$BUILD/compile_commands.json" ]] || { echo "lint.sh: $BUILD is not configured" >&2; exit 1; }
cache=$BUILD/lint-passed
mkdir -p "$cache"
headers=$({ cat .clang-tidy; find userspace bpf tests/lab/sample -name '*.h' | sort | xargs cat; } | sha256sum)

# lint_file FILE CACHE HEADERS_HASH BUILD
lint_file() {
  local stamp output
  stamp=$2/$({ echo "$1 $3"; cat "$1"; } | sha256sum | cut -d' ' -f1)
  [[ -e "$stamp" ]] && return
  if output=$(clang-tidy-16 --quiet -p "$4" --extra-arg=-Wno-unknown-warning-option "$1" 2> /dev/null); then
    : > "$stamp"
  else
    echo "$output"
    return 1
  fi
}
export -f lint_file

mapfile -t files < <(find userspace tests/lab/sample -name '*.cc' | sort)
if printf '%s\0' "${files[@]}" |
  xargs -0 -P "$JOBS" -I{} bash -c 'lint_file "$@"' lint {} "$cache" "$headers" "$BUILD"; then
  echo "PASS lint (${#files[@]} files)"
else
  echo "FAIL lint: see above"
  exit 1
fi
