#!/usr/bin/env bash
# One live flow through the lab on the running kernel: consumer, provider v1, mirror v2, and the agent on their node.
#
#   live_flow.sh RPCTEE tcx|clsact    RPCTEE: the binary; the sample programs are in PATH
#
# Exit status 0 with a line of figures on stdout when v2 received every request once, with the contents that v1
# received, the consumer saw only v1, the ledger balances, and nothing is left behind; else 1 with the reason on stderr.
# Needs root, jq, iproute2, nsenter.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
readonly here rpctee=$1 mode=$2
readonly lab_script="$here/../../scripts/lab.sh"
readonly requests="${LIVE_FLOW_REQUESTS:-600}" node=vm
# What each copy has more than its request: the mark, two short Hessian2 strings.
readonly mark="rpctee-mirror$node"
readonly mark_bytes=$((2 + ${#mark}))
export LAB_ID="f$$"
work=$(mktemp -d /tmp/rpctee-live.XXXXXX)
readonly work pins="/sys/fs/bpf/rpctee-$LAB_ID"
declare -A pids=()

fail() { echo "$*" | tr '\n' '|' >&2; echo >&2; exit 1; }

clean_up() {
  local name
  for name in "${!pids[@]}"; do
    kill -KILL "${pids[$name]}" 2> /dev/null || true
  done
  "$lab_script" down > /dev/null 2>&1 || true
  rm -rf "$work"
  [[ ! -d "$pins" ]] || rm -rf "$pins"
}
trap clean_up EXIT

# start NAME ROLE CMD...: stdout to NAME.out, stderr to NAME.log.
start() {
  local name=$1 role=$2
  shift 2
  : > "$work/$name.log"
  nsenter --net="/run/netns/rpctee-$role-$LAB_ID" -- "$@" > "$work/$name.out" 2> "$work/$name.log" < /dev/null &
  pids[$name]=$!
}

# wait_for_log NAME WORD: at most 30 s.
wait_for_log() {
  for _ in $(seq 300); do
    grep -q "$2" "$work/$1.log" && return
    kill -0 "${pids[$1]}" 2> /dev/null || fail "$1 ended: $(tail -n 3 "$work/$1.log")"
    sleep 0.1
  done
  fail "$1 did not say '$2' within 30 s: $(tail -n 3 "$work/$1.log")"
}

# stop NAME: ends it and expects status 0.
stop() {
  local status=0
  kill -TERM "${pids[$1]}"
  wait "${pids[$1]}" || status=$?
  unset "pids[$1]"
  [[ $status -eq 0 ]] || fail "$1 ended with status $status: $(tail -n 3 "$work/$1.log")"
}

# field NAME FILTER: from the last line of JSON that it printed.
field() { tail -n 1 "$work/$1.out" | jq -r "$2"; }
expect() { [[ "$2" == "$3" ]] || fail "$1: got $2, expected $3"; }

# The provider prints how much it has received on SIGUSR1.
received_by_v2() {
  kill -USR1 "${pids[v2]}"
  sleep 0.1
  field v2 '.received // 0' || echo 0
}

write_config() {
  cat > "$work/agent.yaml" << END
node: $node
tap: {interfaces: ["veth*"], attach: $mode, pin_directory: $pins, ring_bytes: 32MiB}
routes: {files: [$here/routes.yaml]}
# An emulated machine is slow, and a copy that was dropped for that would say nothing about the kernel.
mirror: {max_buffer_bytes: 64MiB, reply_timeout: 1m}
END
}

run_flow() {
  local received=0
  start v1 v1 rpctee-sample-provider --listen "[::]:20880" --name v1
  start v2 v2 rpctee-sample-provider --listen "[::]:20880" --name v2
  wait_for_log v1 "listens on"
  wait_for_log v2 "listens on"
  start agent node "$rpctee" agent -c "$work/agent.yaml" --ledger-json "$work/ledger.out"
  wait_for_log agent '\bready\b'
  start consumer consumer rpctee-sample-consumer --connect 10.44.0.11:20880 --requests "$requests" --connections 2 \
    --depth 8 --size-mix --timeout 60
  wait "${pids[consumer]}" || fail "the consumer failed: $(tail -n 2 "$work/consumer.out" "$work/consumer.log")"
  unset "pids[consumer]"
  for _ in $(seq 100); do
    received=$(received_by_v2)
    [[ "$received" -ge "$requests" ]] && break
  done
  hooks=$(nsenter --net="/run/netns/rpctee-node-$LAB_ID" -- tc filter show dev vethv1 egress | grep -c rpctee_tap || true)
  stop agent
  stop v1
  stop v2
}

judge() {
  local key
  expect "right answers" "$(field consumer .ok)" "$requests"
  expect "who answered" "$(field consumer '.answers_by_provider | keys | join(",")')" v1
  expect "requests at v1" "$(field v1 .received)" "$requests"
  expect "requests at v2" "$(field v2 .received)" "$requests"
  expect "digest at v2, as at v1" "$(field v2 .digest)" "$(field v1 .digest)"
  expect "bytes at v2, as at v1 and the marks" "$(field v2 .bytes)" "$(($(field v1 .bytes) + requests * mark_bytes))"
  expect "copies that came twice" "$(field v2 .repeated_arguments)" 0
  expect "the ledger balances" "$(field ledger .balanced)" true
  expect "mirrored in the ledger" "$(field ledger .mirrored)" "$requests"
  expect "tc filters of ours while it ran" "$hooks" "$([[ $mode == clsact ]] && echo 1 || echo 0)"
  [[ ! -d "$pins" ]] || fail "the agent left $pins behind"
  expect "tc filters left behind" \
    "$(nsenter --net="/run/netns/rpctee-node-$LAB_ID" -- tc filter show dev vethv1 egress | grep -c rpctee_tap || true)" 0
}

hooks=0
"$lab_script" up > "$work/lab.log" 2>&1 || fail "lab.sh up: $(tail -n 3 "$work/lab.log")"
write_config
run_flow
judge
echo "$requests requests, $(field ledger '"\(.seen) seen, \(.mirrored) mirrored, \(.answered_ok) answered"')"
