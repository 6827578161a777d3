#!/usr/bin/env bash
# Installs what a fresh Debian 12 lacks to build and run rpctee, and mounts bpffs.
#
#   setup.sh            what building, the lab and the demo need
#   setup.sh --tests    also what scripts/test.sh needs
#   setup.sh --java     also what the Apache Dubbo programs of tests/interop need
#   setup.sh --kernels  also what scripts/vm.sh needs
#
# Safe to repeat: a second run finds everything there and does nothing. Needs root when something is missing.
set -euo pipefail

base=(
  # build
  build-essential cmake ninja-build pkg-config ccache git
  # the BPF program: compiler, llvm-strip, skeleton
  clang-16 llvm-16 bpftool libbpf-dev libelf-dev zlib1g-dev
  # libraries of the agent
  libspdlog-dev libfmt-dev libexpected-dev libcli11-dev libyaml-cpp-dev nlohmann-json3-dev libre2-dev
  libprotobuf-dev protobuf-compiler libssl-dev libmnl-dev libpcap-dev
  # the lab and the demo
  iproute2 util-linux python3
)
tests=(libgtest-dev libgmock-dev clang-format-16 clang-tidy-16 libclang-rt-16-dev jq)
java=(openjdk-17-jdk-headless maven)
thrift=(thrift-compiler libthrift-dev libboost-dev libevent-dev)
# Where these tools are not Debian's own, its packages stay away.
command -v npm > /dev/null || thrift+=(nodejs npm)
python3 -m pip --version > /dev/null 2>&1 || thrift+=(python3-pip)
kernels=(qemu-system-x86 busybox-static cpio kmod xz-utils zstd jq clang-14)

die() { echo "setup.sh: $*" >&2; exit 1; }

wanted=("${base[@]}")
for option in "$@"; do
  case "$option" in
    --tests) wanted+=("${tests[@]}" "${java[@]}" "${thrift[@]}") ;;
    --java) wanted+=("${java[@]}") ;;
    --kernels) wanted+=("${tests[@]}" "${kernels[@]}") ;;
    *) die "unknown option $option" ;;
  esac
done

command -v dpkg-query > /dev/null || die "this is not Debian; install the counterparts of: ${wanted[*]}"

# Names, one a line, of the wanted packages that are not installed.
missing_packages() {
  local installed
  installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${wanted[@]}" 2> /dev/null |
    sed -n 's/ installed$//p' | sort -u) || true
  printf '%s\n' "${wanted[@]}" | sort -u | comm -23 - <(echo "$installed")
}

mapfile -t missing < <(missing_packages)
if ((${#missing[@]} == 0)); then
  echo "setup: all ${#wanted[@]} packages are there"
else
  [[ $(id -u) -eq 0 ]] || die "needs root to install: ${missing[*]}"
  echo "setup: $((${#wanted[@]} - ${#missing[@]})) packages are there, installing ${#missing[@]}: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq || echo "setup: apt-get update failed; trying with the package lists at hand" >&2
  apt-get install -y -qq --no-install-recommends "${missing[@]}" > /tmp/rpctee-setup.$$ 2>&1 < /dev/null || {
    tail -n 30 /tmp/rpctee-setup.$$ >&2
    die "apt-get install failed; its output is in /tmp/rpctee-setup.$$"
  }
  rm -f /tmp/rpctee-setup.$$
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]} == 0)) || die "still missing after the installation: ${missing[*]}"
  echo "setup: done"
fi

if [[ "$(stat -f -c %T /sys/fs/bpf 2> /dev/null)" != "bpf_fs" ]]; then
  [[ $(id -u) -eq 0 ]] || die "needs root to mount bpffs on /sys/fs/bpf"
  mount -t bpf bpf /sys/fs/bpf || die "cannot mount bpffs on /sys/fs/bpf"
  echo "setup: mounted bpffs on /sys/fs/bpf"
fi
