#!/usr/bin/env bash
# Other kernels: Debian's, under qemu's plain emulation (no KVM, no network, no disk).
#
#   vm.sh list                        the kernels, and which are here
#   vm.sh fetch [KERNEL...]           get them from a Debian mirror into build/vm (all without a name)
#   vm.sh build                       build what the tests run, with the tap program by clang-16 and by clang-14
#   vm.sh run [--add FILE]... KERNEL -- CMD...
#                                     run CMD in it: its output, its exit status (125: the VM failed); --add brings a
#                                     program with its libraries, or any file, to /rpctee/bin
#   vm.sh test [--record] [KERNEL...] fetch, build, and check rpctee on each (all without a name); `host` is the running
#                                     kernel, without a VM; --record keeps the verified instruction counts
#
# In the VM: busybox, bash, ip, tc, bpftool, jq, nsenter, scripts/lab.sh and tests/vm below /rpctee, and what `build` has
# built at /rpctee/COMPILER and /rpctee/bin.
# Environment: RPCTEE_DEBIAN_MIRROR, RPCTEE_VM_SECONDS (limit of one VM, default 900), RPCTEE_VM_COMPILERS.
# `scripts/setup.sh --kernels` installs what it needs.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
readonly root
readonly vm_dir="$root/build/vm"
read -r -a COMPILERS <<< "${RPCTEE_VM_COMPILERS:-clang-16 clang-14}"
readonly COMPILERS

usage() { sed -n '2,20s/^# \{0,1\}//p' "$0"; }
die() { echo "vm.sh: $*" >&2; exit 1; }

# shellcheck source=tests/vm/kernels.sh
source "$root/tests/vm/kernels.sh"
# shellcheck source=tests/vm/boot.sh
source "$root/tests/vm/boot.sh"

# Administrators' programs (depmod, bpftool) are not in everybody's PATH.
PATH="$PATH:/usr/sbin:/sbin"
run_dir=
suite_pid=
cleanup() {
  # A second signal, as `timeout` sends to the whole group, would stop the removal half way.
  trap '' TERM INT
  [[ -z "$suite_pid" ]] || kill "$suite_pid" 2> /dev/null || true
  [[ -n "$run_dir" ]] || return 0
  stop_vm "$run_dir"
  rm -rf "$run_dir"
}
trap cleanup EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

# One at a time: fetching and building change what is shared.
take_lock() {
  mkdir -p "$vm_dir"
  exec 9> "$vm_dir/lock"
  flock 9
}
release_lock() { exec 9>&-; }

list() {
  local name
  for name in "${KERNELS[@]}"; do
    printf '%-5s %-9s %s\n' "$name" "${KERNEL_SUITES[$name]}" \
      "$(is_fetched "$name" && release_of "$name" || echo "not here; vm.sh fetch $name")"
  done
}

fetch() {
  local name status=0
  take_lock
  for name in "$@"; do
    is_kernel "$name" || die "no kernel $name; there are: ${KERNELS[*]}"
    if fetch_kernel "$name"; then
      echo "$name: $(release_of "$name")"
    else
      status=1
    fi
  done
  release_lock
  return "$status"
}

build() {
  local compiler log
  take_lock
  # The builds differ in the tap program alone, so the compiler's cache makes the second one short.
  export CCACHE_BASEDIR="$root" CCACHE_NOHASHDIR=1
  for compiler in "${COMPILERS[@]}"; do
    log="$vm_dir/$compiler.log"
    command -v "$compiler" > /dev/null || { echo "$compiler is not installed" >&2; continue; }
    {
      cmake -S "$root" -B "$vm_dir/$compiler" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
        "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1 -g1" -DRPCTEE_BPF_CLANG="$compiler" &&
        nice -n 10 cmake --build "$vm_dir/$compiler" --target bpf_packets lab_tap verifier_report rpctee \
          rpctee-sample-provider rpctee-sample-consumer
    } > "$log" 2>&1 || { tail -n 20 "$log" >&2; die "the build for $compiler failed; see $log"; }
  done
  release_lock
}

# Makes $run_dir with the root file system in stage and stage.cpio.
make_stage() {
  local added
  mkdir -p "$vm_dir"
  run_dir=$(mktemp -d "$vm_dir/run.XXXXXX")
  mkdir "$run_dir/stage"
  make_userland "$run_dir/stage"
  add_project "$run_dir/stage"
  for added in "$@"; do
    [[ -f "$added" ]] || die "no file $added"
    add_program "$run_dir/stage" "$added" "rpctee/bin/${added##*/}"
  done
  pack "$run_dir/stage" > "$run_dir/stage.cpio"
}

run() {
  local added=() kernel
  while [[ "${1:-}" == --add ]]; do
    [[ $# -ge 2 ]] || die "--add needs a file"
    added+=("$2")
    shift 2
  done
  kernel=${1:-}
  [[ $# -ge 3 && "$2" == -- ]] || { usage >&2; exit 2; }
  is_kernel "$kernel" || die "no kernel $kernel; there are: ${KERNELS[*]}"
  shift 2
  local why
  why=$(why_no_vm)
  [[ -z "$why" ]] || die "$why"
  is_fetched "$kernel" || fetch "$kernel" || exit 1
  make_stage "${added[@]}"
  boot "$run_dir" "$kernel" "$@"
}

# Lines of kernel.log that tell of a kernel's own trouble.
kernel_trouble() { tr -d '\r' < "$run_dir/kernel.log" | grep -E 'BUG:|WARNING:|Oops|general protection|rcu.*stall' | head -n 3; }

# Prints the seconds of CPU that children which have ended used, as `times > FILE` left them in the file.
cpu_seconds() { awk -F '[ms ]+' 'NR == 2 { printf "%d", $1 * 60 + $2 + $3 * 60 + $4 }' "$1"; }

# test_kernel NAME: result lines on stdout.
test_kernel() {
  local name=$1 status=0 why
  if ! is_fetched "$name" && ! why=$(fetch "$name" 2>&1 > /dev/null); then
    echo "SKIP $name/boot: $why"
    return
  fi
  boot "$run_dir" "$name" env "SUITE_RECORD=${SUITE_RECORD:-}" \
    /rpctee/tests/vm/suite.sh "$name" "${COMPILERS[@]}" 2> "$run_dir/why" || status=$?
  if ((status != 0)); then
    echo "FAIL $name/boot: $(cat "$run_dir/why")"
  elif [[ -n "$(kernel_trouble)" ]]; then
    echo "FAIL $name/kernel_log: $(kernel_trouble | tr '\n' '|')"
  else
    echo "PASS $name/kernel_log"
  fi
}

# The running kernel goes by its series in the table of instruction counts.
test_host() {
  local name
  name=$(uname -r | cut -d. -f1,2)
  if [[ $(id -u) -ne 0 ]]; then
    echo "SKIP $name/host: needs root, to load BPF programs and make network namespaces"
    return
  fi
  SUITE_BOTH_PROGRAMS=1 "$run_dir/stage/rpctee/tests/vm/suite.sh" "$name" "${COMPILERS[@]}" &
  suite_pid=$!
  wait "$suite_pid" || true
  suite_pid=
}

# Replaces the figures that the results in the file $1 tell of.
record_insns() {
  local table="$root/tests/vm/verified_insns.txt" name compiler program insns release
  while read -r name compiler program insns; do
    release=$(uname -r)
    ! is_kernel "$name" || release=$(release_of "$name")
    sed -i "/^$name $compiler $program /d" "$table"
    echo "$name $compiler $program $insns $release" >> "$table"
  done < <(sed -nE 's,^[A-Z]+ ([^/]+)/([^/]+)/insns_([^:]+): ([0-9]+).*,\1 \2 \3 \4,p' "$1")
  { grep '^#' "$table"; grep -v '^#' "$table" | sort -V; } > "$table.new"
  mv "$table.new" "$table"
}

run_tests() {
  local record='' names=() name why started cpu_before tee_pid
  for name in "$@"; do
    case "$name" in
      --record) record=1; export SUITE_RECORD=1 ;;
      *) is_kernel "$name" || [[ "$name" == host ]] || die "no kernel $name; there are: ${KERNELS[*]} host"
         names+=("$name") ;;
    esac
  done
  ((${#names[@]} > 0)) || names=("${KERNELS[@]}" host)
  build
  make_stage
  why=$(why_no_vm)
  exec 3> >(tee "$run_dir/results")
  tee_pid=$!
  for name in "${names[@]}"; do
    started=$SECONDS
    times > "$run_dir/times"
    cpu_before=$(cpu_seconds "$run_dir/times")
    if [[ "$name" == host ]]; then
      test_host
    elif [[ -n "$why" ]]; then
      echo "SKIP $name/boot: $why"
    else
      test_kernel "$name"
    fi
    times > "$run_dir/times"
    echo "$name took $((SECONDS - started)) s, $(($(cpu_seconds "$run_dir/times") - cpu_before)) s of CPU"
  done >&3
  exec 3>&-
  wait "$tee_pid"
  [[ -z "$record" ]] || record_insns "$run_dir/results"
  echo "$(grep -c '^PASS' "$run_dir/results") passed, $(grep -c '^FAIL' "$run_dir/results") failed," \
    "$(grep -c '^SKIP' "$run_dir/results") skipped"
  ! grep -q '^FAIL' "$run_dir/results"
}

command=${1:-}
shift || true
case "$command" in
  list) list ;;
  fetch)
    (($# > 0)) || set -- "${KERNELS[@]}"
    fetch "$@"
    ;;
  build) build ;;
  run) run "$@" ;;
  test) run_tests "$@" ;;
  -h | --help) usage ;;
  *) usage >&2; exit 2 ;;
esac
