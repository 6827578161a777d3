#!/usr/bin/env bash
# All tests: installs what they need, builds, runs the suites one after the other, ends with "N passed, N failed".
#
#   test.sh [--only SUITE[,SUITE...]] [--list] [--no-setup]
#
# Needs root for most suites (eBPF, network namespaces). The logs stay in build/test-logs/.
# A skipped case is printed with its reason; with CI=true it is a failure, unless tests/allowed_skips.txt lists it.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly LOGS=build/test-logs
readonly JOBS=$(nproc)
readonly ALLOWED_SKIPS=tests/allowed_skips.txt
export PYTHONDONTWRITEBYTECODE=1 RPCTEE_BUILD="$PWD/build/dev" RPCTEE_BIN="$PWD/build/dev/userspace/cli/rpctee"
# Their output goes into logs that are parsed.
export GTEST_COLOR=no CLICOLOR_FORCE=0

# name | what | whether it needs the dev build
readonly SUITES='
format   | clang-format 16 over all C and C++ files               | no
layers   | who includes whom, and that the check notices          | no
unit     | unit tests, and the fuzz corpus once                   | dev
bpf      | the tap program on packets (BPF_PROG_TEST_RUN)         | dev
tap      | attaching, maps, ring and packet injection for real    | dev
lab      | agent and sample programs in network namespaces        | dev
captures | recorded traffic replayed and compared                 | dev
interop  | real Dubbo and Thrift with the agent in between        | dev
asan     | unit tests and fuzz corpus, address and undefined      | no
tsan     | what has threads, the agent too, thread sanitizer      | no
lint     | clang-tidy 16                                          | dev
'

suite_names() { awk -F'|' 'NF > 1 { gsub(/ /, "", $1); print $1 }' <<< "$SUITES"; }
needs_dev() { awk -F'|' -v name="$1" '{ gsub(/ /, "", $1); gsub(/ /, "", $3) } $1 == name && $3 == "dev" { found = 1 }
                                      END { exit !found }' <<< "$SUITES"; }

# BPF C is in the kernel's style, wherever it stands.
suite_format() {
  local check='for file in "$@"; do clang-format-16 --dry-run -Werror --style="$0" "$file" || exit 255; done'
  if git ls-files -z '*.h' '*.cc' '*.c' ':!*.bpf.c' | xargs -0 -P "$JOBS" -n 16 bash -c "$check" file &&
    git ls-files -z '*.bpf.c' | xargs -0 bash -c "$check" file:bpf/.clang-format; then
    echo "PASS format"
  else
    echo "FAIL format: see above"
    return 1
  fi
}

suite_layers() {
  scripts/check_layers.sh && echo "PASS layers" || { echo "FAIL layers"; return 1; }
  scripts/check_layers.sh --self-test
}

# run_ctest PRESET PATTERN
run_ctest() {
  ctest --test-dir "build/$1" -R "$2" -V --timeout 300 --no-tests=error
}

suite_unit() { run_ctest dev '^(unit|fuzz)_'; }
suite_bpf() { run_ctest dev '^bpf_'; }
suite_tap() { run_ctest dev '^lab_'; }

suite_lab() {
  local file status=0
  for file in tests/lab/test_*.py; do
    timeout 600 python3 "$file" || status=1
  done
  return $status
}

suite_captures() { timeout 900 python3 tests/captures/compare.py --rpctee "$RPCTEE_BIN"; }
suite_interop() { timeout 1200 python3 tests/interop/run.py; }
suite_lint() { scripts/lint.sh build/dev; }

# Builds and runs the tests of PRESET whose names match PATTERN; the names of tests are those of their targets.
sanitized() {
  local targets
  cmake --preset "$1" || return 1
  targets=$(ctest --test-dir "build/$1" -N -R "$2" | sed -n 's/^ *Test *#[0-9]*: *//p')
  # shellcheck disable=SC2086
  cmake --build --preset "$1" -j "$JOBS" --target $targets || return 1
  run_ctest "$1" "$2"
}

suite_asan() { sanitized asan '^(unit|fuzz)_'; }
suite_tsan() { sanitized tsan '^(unit_(base|mirror|agent)|lab_workers)$'; }

build_dev() { cmake --preset dev && cmake --build --preset dev -j "$JOBS"; }

# allowed_skip "SUITE NAME"
allowed_skip() {
  [[ -f "$ALLOWED_SKIPS" ]] || return 1
  local pattern
  while IFS= read -r pattern; do
    # shellcheck disable=SC2053
    [[ "$1" == $pattern ]] && return 0
  done < <(sed -n 's/^\([^#][^:]*\):.*/\1/p' "$ALLOWED_SKIPS")
  return 1
}

total_passed=0
total_failed=0

# report SUITE EXIT_STATUS SECONDS
report() {
  local name=$1 log=$LOGS/$1.log counts passed failed skipped line refused=0
  counts=$(python3 scripts/count_cases.py "$log" "$2")
  read -r passed failed skipped <<< "$counts"
  local notes=()
  while IFS= read -r line; do
    case "$line" in
      FAIL*) notes+=("  $line") ;;
      SKIP*)
        notes+=("  $line")
        if [[ "${CI:-}" == true ]]; then
          local case_name=${line#SKIP }
          if ! allowed_skip "$name ${case_name%%: *}"; then
            refused=$((refused + 1))
            notes+=("    (counts as failed in CI)")
          fi
        fi
        ;;
    esac
  done <<< "$counts"
  failed=$((failed + refused))
  total_passed=$((total_passed + passed))
  total_failed=$((total_failed + failed))
  printf '%-9s %5d passed %5d failed %5d skipped %6d s\n' "$name" "$passed" "$failed" "$skipped" "$3"
  ((${#notes[@]})) && printf '%s\n' "${notes[@]}"
  if ((failed > refused)); then
    echo "  --- end of $log"
    tail -n 40 "$log" | sed 's/^/  | /'
  fi
}

# run_suite NAME FUNCTION
run_suite() {
  local start=$SECONDS status=0
  "$2" > "$LOGS/$1.log" 2>&1 < /dev/null || status=$?
  report "$1" "$status" $((SECONDS - start))
}

usage() {
  sed -n '2,8s/^# \{0,1\}//p' scripts/test.sh
  echo "$SUITES"
}

setup=1
chosen=$(suite_names)
while (($#)); do
  case "$1" in
    --list) usage; exit ;;
    --only)
      chosen=$(tr ',' '\n' <<< "${2:-}")
      shift
      for name in $chosen; do
        suite_names | grep -qx "$name" || { echo "test.sh: no suite $name; see --list" >&2; exit 2; }
      done
      ;;
    --no-setup) setup=0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift || true
done
[[ -n "$chosen" ]] || { usage >&2; exit 2; }

mkdir -p "$LOGS"
started=$SECONDS
if ((setup)); then
  scripts/setup.sh --tests || { echo "0 passed, 1 failed"; exit 1; }
fi

dev_built=unknown
for name in $chosen; do
  if needs_dev "$name" && [[ $dev_built == unknown ]]; then
    start=$SECONDS
    if build_dev > "$LOGS/build.log" 2>&1 < /dev/null; then
      dev_built=yes
      printf '%-9s done %45d s\n' build $((SECONDS - start))
    else
      dev_built=no
      echo "build     FAILED; the end of $LOGS/build.log:"
      grep -E 'error|FAILED' "$LOGS/build.log" | head -n 20 | sed 's/^/  | /'
      tail -n 20 "$LOGS/build.log" | sed 's/^/  | /'
    fi
  fi
  if needs_dev "$name" && [[ $dev_built == no ]]; then
    echo "$name: not run, the build failed"
    total_failed=$((total_failed + 1))
    continue
  fi
  run_suite "$name" "suite_$name"
done

echo "all suites in $((SECONDS - started)) s"
echo "$total_passed passed, $total_failed failed"
((total_failed == 0 && total_passed > 0))
