#!/usr/bin/env bash
# What rpctee costs, measured in a lab of its own.
#
#   bench.sh kernel [--rounds N] [--hook clsact|tcx|both]
#                              ns a packet of the tap program, by the kernel's own statistics, beside an empty program
#                              at the same place (under 2 minutes)
#   bench.sh rps [--rounds N] [--shares PERCENT...] [--connections N [--depth N]]
#                              requests a second of a consumer and provider that keep all cores busy, in turn with
#                              nothing at v1's interface, an empty program, and the agent with several shares, for many
#                              connections of depth 1 and for a few deep ones (under 4 minutes)
#   bench.sh pace [--rounds N] [--shares PERCENT...] [--rate N] [--connections N] [--beside RPCTEE]
#                              the agent's CPU time, wake-ups, and how much later the mirror gets a request, at 10,000
#                              requests a second; with the agent of another build in turn (under 2 minutes)
#   bench.sh relay [--rounds N]
#                              requests a second and CPU time of one worker, from the ring to the mirror's answer, beside
#                              a loop that only copies the same bytes from socket to socket (under a minute)
#   bench.sh all               all of them
#   -o json                    one JSON object instead of tables
#
# Builds optimised programs in build/bench first, unless RPCTEE_BUILD names a build to measure. Needs root. Other
# programs that run at the same time disturb the figures; the spread shows how much.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
readonly root
readonly LOCK=/run/rpctee-bench.lock

usage() { sed -n '2,21s/^# \{0,1\}//p' "$0"; }
die() { echo "bench.sh: $*" >&2; exit 1; }

build() {
  export RPCTEE_BUILD="$root/build/bench"
  local log="$RPCTEE_BUILD/bench-build.log"
  mkdir -p "$RPCTEE_BUILD"
  cmake -S "$root" --preset release -B "$RPCTEE_BUILD" > "$log" 2>&1 &&
    cmake --build "$RPCTEE_BUILD" --target rpctee rpctee-sample-{provider,consumer} rpctee-bench-{kernel,empty,relay} \
      >> "$log" 2>&1 || { tail -n 30 "$log" >&2; die "the build failed; see $log"; }
}

child=
# Whatever ended us: the measuring program takes down its lab, and what is left of it goes here.
clean_up() {
  if [[ -n "$child" ]] && kill "$child" 2> /dev/null; then
    wait "$child" || true
  fi
  "$root/scripts/lab.sh" down > /dev/null
}

case "${1:-}" in
  kernel | rps | pace | relay | all) ;;
  -h | --help) usage; exit 0 ;;
  *) usage >&2; exit 2 ;;
esac
[[ $(id -u) -eq 0 ]] || die "needs root, to make network namespaces and load BPF programs"
exec 9> "$LOCK"
flock -n 9 || die "another benchmark is running"
[[ -n "${RPCTEE_BUILD:-}" ]] || build

export LAB_ID="${LAB_ID:-bench}"
trap clean_up EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
python3 "$root/tests/bench/bench.py" "$@" 9>&- &
child=$!
status=0
wait "$child" || status=$?
child=
exit "$status"
