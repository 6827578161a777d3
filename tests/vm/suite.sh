#!/usr/bin/env bash
# What rpctee promises of a kernel, checked on the running one, for each compiler of the tap program.
#
#   suite.sh NAME COMPILER...    NAME: the kernel's name in results and in verified_insns.txt
#
# The lab's suites (tests/lab: neighbours at the hook, silence, and the rest) are Python programs; the VM's root has no
# Python, so they run on the running kernel only, by scripts/test.sh. Here stand packets, attaching and one live flow.
#
# Expects what `vm.sh build` made at ../../COMPILER and ../../bin of this file, as vm.sh lays it out. Prints
# `PASS NAME/COMPILER/case: figures`, `FAIL ...: why` or `SKIP ...: why` for each case. Needs root.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
readonly here name=$1
shift
readonly place="$here/../.."
readonly slack_percent=20
export PATH="$place/bin:$PATH"
# The program with bpf_loop needs 5.17; older kernels get the other one, which is checked wherever it is cheap.
readonly has_loop=(5 17)
readonly has_tcx=(6 6)
work=$(mktemp -d /tmp/rpctee-suite.XXXXXX)
readonly work
trap 'rm -rf "$work"' EXIT

IFS=.- read -r major minor _ < <(uname -r)
at_least() { ((major > $1 || (major == $1 && minor >= $2))); }

compiler=
# say PASS|FAIL|SKIP CASE TEXT...: one line, of a bounded length.
say() {
  local verdict=$1 case=$2 text
  shift 2
  text=$(echo "$*" | tr '\n' '|' | sed 's/|*$//; s/|/ | /g')
  ((${#text} <= 700)) || text="${text:0:700}..."
  echo "$verdict $name/$compiler/$case${text:+: $text}"
}

# The kept figure: "name compiler program insns" in verified_insns.txt.
kept_insns() {
  awk -v n="$name" -v c="$compiler" -v p="$1" '$1 == n && $2 == c && $3 == p { print $4 }' "$here/verified_insns.txt"
}

# compare_insns PROGRAM INSNS STATES
compare_insns() {
  local case="insns_$1" insns=$2 figures="$2 ($3 states)" kept limit
  kept=$(kept_insns "$1")
  if [[ "${SUITE_RECORD:-}" == 1 ]]; then
    say PASS "$case" "$figures, recorded; was ${kept:-not kept}"
    return
  fi
  if [[ -z "$kept" ]]; then
    say SKIP "$case" "$figures; none kept for this kernel and compiler (vm.sh test --record)"
    return
  fi
  limit=$((kept * (100 + slack_percent) / 100))
  if ((insns > limit)); then
    say FAIL "$case" "$figures; kept $kept, and $slack_percent % more is $limit"
  else
    say PASS "$case" "$figures, kept $kept"
  fi
}

# gtest CASE FILTER CMD...
gtest() {
  local case=$1 filter=$2 status=0 output="$work/gtest" passed skipped
  shift 2
  "$@" --gtest_color=no "--gtest_filter=$filter" > "$output" 2>&1 || status=$?
  passed=$(grep -c '^\[       OK \]' "$output")
  skipped=$(sed -n 's/^\[  SKIPPED \] \([A-Za-z]*\.[A-Za-z0-9]*\) .*/\1/p' "$output" | sort -u | tr '\n' ' ')
  if ((status != 0)); then
    say FAIL "$case" "status $status; $(sed -n 's/^\[  FAILED  \] \([A-Za-z]*\.[A-Za-z0-9]*\)$/\1/p' "$output" | sort -u |
      tr '\n' ' ')first: $(grep -m 1 -A 6 ': Failure$' "$output" || tail -n 5 "$output")"
  elif ((passed == 0)); then
    say SKIP "$case" "$(grep -m 1 -A 1 'Skipped$' "$output" | tail -n 1)"
  else
    say PASS "$case" "$passed tests${skipped:+, skipped: $skipped}"
  fi
}

live_flow() {
  local mode=$1 output
  if [[ $mode == tcx ]] && ! at_least "${has_tcx[@]}"; then
    say SKIP "live_flow_$mode" "tcx came with Linux ${has_tcx[0]}.${has_tcx[1]}"
  elif output=$("$here/live_flow.sh" "$place/$compiler/rpctee" "$mode" 2>&1); then
    say PASS "live_flow_$mode" "$output"
  else
    say FAIL "live_flow_$mode" "$output"
  fi
}

# The program is refused: one line that says what the kernel lacks, exit status 1, and nothing left behind.
clear_message() {
  local status=0 lines message left pins="/sys/fs/bpf/rpctee-suite-$$"
  echo "{tap: {pin_directory: $pins}, routes: {files: [$here/routes.yaml]}}" > "$work/agent.yaml"
  timeout 60 "$place/$compiler/rpctee" agent -c "$work/agent.yaml" > "$work/message" 2>&1 || status=$?
  lines=$(wc -l < "$work/message")
  message=$(cat "$work/message")
  left=$(bpftool -j prog show | jq -r '[.[] | select(.name // "" | startswith("rpctee_tap")) | .id] | join(" ")')
  if ((status != 1)); then
    say FAIL clear_message "exit status $status instead of 1; it said: $message"
  elif ((lines != 1)); then
    say FAIL clear_message "$lines lines instead of one: $message"
  elif ! grep -qE "Linux $major\.${minor}[^ ]* .*(too old|lacks|has no|needs|needed)" "$work/message"; then
    say FAIL clear_message "it does not say what Linux $major.$minor lacks: $message"
  elif [[ -e "$pins" || -n "$left" ]]; then
    say FAIL clear_message "left behind: ${left:+program $left }$([[ ! -e "$pins" ]] || echo "$pins")"
  else
    say PASS clear_message "$message"
  fi
}

# packets PROGRAM
packets() {
  local program=$1
  local -a settings=()
  [[ $program != rpctee_tap_old ]] || settings+=(RPCTEE_TAP_OLD=1)
  # The statistics of the draw need millions of requests and nothing of the kernel. The old program sends what it does not
  # walk up to the agent, so two tests of many frames in a packet are not for it.
  local filter='-DrawTest.*'
  [[ $program != rpctee_tap_old ]] || filter+=:FrameTest.ManyRequestsInAPacket*:FrameTest.HalfOfTheDraws*
  gtest "packets_$program" "$filter" env "${settings[@]}" "$place/$compiler/bpf_packets"
}

# check_load PROGRAM [replies]: 0 when it loads.
check_load() {
  local what=$1${2:+_with_$2} report
  if report=$("$place/$compiler/verifier_report" "$@" 2>&1) &&
    [[ "$report" =~ insns=([0-9]+)\ states=([0-9]+)\ ms=([0-9]+) ]]; then
    local insns=${BASH_REMATCH[1]} states=${BASH_REMATCH[2]} load_ms=${BASH_REMATCH[3]}
    say PASS "load_$what" "in $load_ms ms"
    compare_insns "$what" "$insns" "$states"
  else
    say FAIL "load_$what" "$report"
    return 1
  fi
}

# check_program PROGRAM: 0 when it loads.
check_program() {
  local program=$1
  check_load "$program" || return 1
  packets "$program"
  # Where answers are tapped too.
  check_load "$program" replies
  check_load "${program/tap/reply}"
}

check_compiler() {
  local loads=0
  if at_least "${has_loop[@]}"; then
    check_program rpctee_tap || loads=1
    [[ "${SUITE_BOTH_PROGRAMS:-}" != 1 ]] || check_program rpctee_tap_old
  else
    say SKIP load_rpctee_tap "bpf_loop came with Linux ${has_loop[0]}.${has_loop[1]}; rpctee_tap_old takes its place"
    check_program rpctee_tap_old || loads=1
  fi
  if ((loads == 0)); then
    gtest attach 'AttachLab.*:Hooks/ReplyAttachLab.*' "$place/$compiler/lab_tap"
    live_flow tcx
    live_flow clsact
  else
    clear_message
  fi
}

for compiler in "$@"; do
  if [[ -x "$place/$compiler/verifier_report" ]]; then
    check_compiler
  else
    say SKIP all "not built"
  fi
done
