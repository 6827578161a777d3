#!/usr/bin/env bash
# What takes too long for every change: the same checks as in test.sh, with more of everything.
#
#   nightly.sh [--only PART[,PART...]] [--seed N] [--schedules N] [--packets N] [--fuzz-seconds N]
#
#   model         random networks against the model of each byte, 10,000,000 schedules with each of the tap's two programs
#   differential  the native build of the programs against the kernel's, 10,000,000 packets each
#   fuzz          each fuzz target, 600 s
#   kernels       vm.sh test: other kernels
#
# Without --seed it takes the date's, and says which: the same seed plays the same schedules and packets again. New inputs
# of the fuzzers stay in build/nightly/corpus, what made one fail in build/nightly/crashes, the logs in build/nightly.
# Needs what `scripts/setup.sh --tests` and `--kernels` install, and root for all but model and fuzz.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly OUT=$PWD/build/nightly
readonly JOBS=$(nproc)
parts=model,differential,fuzz,kernels
seed=$(date +%Y%m%d)
schedules=10000000
packets=10000000
fuzz_seconds=600

usage() { sed -n '2,13s/^# \{0,1\}//p' scripts/nightly.sh; }
while (($#)); do
  case "$1" in
    --only) parts=${2:-} ;;
    --seed) seed=${2:-} ;;
    --schedules) schedules=${2:-} ;;
    --packets) packets=${2:-} ;;
    --fuzz-seconds) fuzz_seconds=${2:-} ;;
    -h | --help) usage; exit ;;
    *) usage >&2; exit 2 ;;
  esac
  shift 2 || { usage >&2; exit 2; }
done
for part in ${parts//,/ }; do
  [[ "$part" =~ ^(model|differential|fuzz|kernels)$ ]] ||
    { echo "nightly.sh: no part '$part'; there are model, differential, fuzz and kernels" >&2; exit 2; }
done
for number in "$seed" "$schedules" "$packets" "$fuzz_seconds"; do
  [[ "$number" =~ ^[0-9]{1,9}$ ]] || { echo "nightly.sh: '$number' is no number of up to nine digits" >&2; exit 2; }
done

# check NAME CMD...: runs it, its output in a log; says what became of it, and keeps that in a file.
check() {
  local name=$1 started=$SECONDS said
  shift
  if "$@" > "$OUT/$name.log" 2>&1 < /dev/null; then
    said="PASS $name ($((SECONDS - started)) s)"
  else
    said="FAIL $name ($((SECONDS - started)) s); the end of $OUT/$name.log:
$(tail -n 15 "$OUT/$name.log" | sed 's/^/  | /')"
  fi
  echo "$said" | tee -a "$OUT/results"
}

# build PRESET TARGET...
build() {
  local preset=$1
  shift
  cmake --preset "$preset" && cmake --build --preset "$preset" -j "$JOBS" --target "$@"
}

# Schedules are told apart by their number and the seed: each job has a seed of its own.
play_schedules() {
  local job status=0 pids=()
  for ((job = 0; job < JOBS; job++)); do
    RPCTEE_SEED=$((10#$seed + job)) RPCTEE_SCHEDULES=$((10#$schedules / JOBS)) build/dev/tests/model/unit_model &
    pids+=($!)
  done
  for job in "${pids[@]}"; do
    wait "$job" || status=1
  done
  return $status
}

part_model() {
  check model_build build dev unit_model
  check model play_schedules
  RPCTEE_TAP_OLD=1 check model_old play_schedules
}

part_differential() {
  check differential_build build dev bpf_differential
  local -x RPCTEE_SEED=$seed RPCTEE_PACKETS=$packets
  check differential build/dev/tests/bpf/bpf_differential
  RPCTEE_TAP_OLD=1 check differential_old build/dev/tests/bpf/bpf_differential
}

# fuzz NAME: one target, from its kept corpus and what earlier nights found.
fuzz() {
  local corpus=$OUT/corpus/$1 dictionary=
  case "$1" in
    dubbo_fastjson2) dictionary=jsonb ;;
    dubbo_java) dictionary=java ;;
    dubbo_json) dictionary=json ;;
    dubbo_request) dictionary=hessian2 ;;
    thrift_*) dictionary=thrift ;;
  esac
  mkdir -p "$corpus" "$OUT/crashes"
  "build/fuzz/tests/fuzz/fuzz_$1" -max_total_time="$fuzz_seconds" -seed="$seed" -timeout=10 -rss_limit_mb=2048 \
    -artifact_prefix="$OUT/crashes/$1-" ${dictionary:+-dict="tests/fuzz/$dictionary.dict"} "$corpus" \
    "tests/fuzz/corpus/$1"
}

part_fuzz() {
  local names name running=0
  mapfile -t names < <(find tests/fuzz/corpus -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort)
  check fuzz_build build fuzz "${names[@]/#/fuzz_}"
  for name in "${names[@]}"; do
    ((running++ < JOBS)) || wait -n
    check "fuzz_$name" fuzz "$name" &
  done
  wait
}

part_kernels() { check kernels scripts/vm.sh test; }

mkdir -p "$OUT"
: > "$OUT/results"
echo "seed $seed"
for part in ${parts//,/ }; do
  "part_$part"
done
echo "$(grep -c '^PASS' "$OUT/results") passed, $(grep -c '^FAIL' "$OUT/results") failed"
grep -q '^PASS' "$OUT/results" && ! grep -q '^FAIL' "$OUT/results"
