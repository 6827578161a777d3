# shellcheck shell=bash
# Which kernels there are, and how they come here: Debian's own packages, checked by apt's signatures, unpacked below
# build/vm/kernels. apt gets directories of its own, so neither the machine's sources nor its lists change.
#
# Sourced by scripts/vm.sh.
: "${vm_dir:?}"

# Name and Debian suite. The suite's linux-image-cloud-amd64 is followed, so `fetch` may bring a newer one of a series.
declare -rA KERNEL_SUITES=([5.10]=bullseye [6.1]=bookworm [6.12]=trixie [7.x]=sid)
# shellcheck disable=SC2034  # for vm.sh
readonly KERNELS=(5.10 6.1 6.12 7.x)
readonly KERNEL_PACKAGE=linux-image-cloud-amd64
readonly MIRROR="${RPCTEE_DEBIAN_MIRROR:-http://deb.debian.org/debian}"
readonly KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# What the tests use of what may be a module. Those that a kernel has built in, or lacks, are passed over.
readonly MODULES=(veth sch_ingress cls_bpf act_bpf act_gact tun 8021q sch_netem dummy)

is_kernel() { [[ -n "${KERNEL_SUITES[$1]:-}" ]]; }
kernel_dir() { echo "$vm_dir/kernels/$1"; }
is_fetched() { [[ -e "$(kernel_dir "$1")/release" ]]; }
release_of() { cat "$(kernel_dir "$1")/release"; }

# private_apt NAME PROGRAM ARGUMENTS...: an apt program with directories of its own for this kernel.
private_apt() {
  local apt_dir="$vm_dir/apt/$1" program=$2
  shift 2
  APT_CONFIG="$apt_dir/apt.conf" "$program" "$@"
}

configure_apt() {
  local name=$1 apt_dir="$vm_dir/apt/$1"
  mkdir -p "$apt_dir"/{state/lists/partial,cache/archives/partial,etc}
  : > "$apt_dir/status"
  # Signatures are demanded; a date that has passed is not refused, since mirrors that stand still, and snapshots, serve
  # kernels just as well for a test.
  echo "deb [arch=amd64 check-valid-until=no signed-by=$KEYRING] $MIRROR ${KERNEL_SUITES[$name]} main" \
    > "$apt_dir/etc/sources.list"
  # The machine's way out, by proxy or not, is the only one of its settings that we take over.
  {
    apt-config dump | grep -E '^Acquire::https?::' || true
    cat << END
Dir::State "$apt_dir/state";
Dir::State::status "$apt_dir/status";
Dir::Cache "$apt_dir/cache";
Dir::Etc "$apt_dir/etc";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::sourcelist "$apt_dir/etc/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Architecture "amd64";
APT::Architectures "amd64";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "2";
END
  } > "$apt_dir/apt.conf"
}

dependencies() {
  private_apt "$1" apt-cache depends --no-recommends "$2" | sed -n 's/^ *Depends: \(linux-[a-z]*-[0-9].*\)$/\1/p'
}

# The packages, one a line, that the suite's meta package stands for. From 7.x on the image's package is empty, and the
# kernel and its modules are in two that it depends on.
kernel_packages() {
  local image
  image=$(dependencies "$1" "$KERNEL_PACKAGE" | grep '^linux-image-' | head -n 1)
  [[ -n "$image" ]] || return 0
  echo "$image"
  dependencies "$1" "$image" | grep -E '^linux-(base|binary|modules)-[0-9]' || true
}

# fetch_kernel NAME: 0, or 1 with the reason on stderr.
fetch_kernel() {
  local name=$1 apt_dir="$vm_dir/apt/$1" log="$vm_dir/apt/$1/log" packages
  command -v apt-get > /dev/null || { echo "no apt-get here, the kernels are Debian packages" >&2; return 1; }
  [[ -e "$KEYRING" ]] || { echo "$KEYRING is missing (package debian-archive-keyring)" >&2; return 1; }
  configure_apt "$name"
  if ! private_apt "$name" apt-get update -qq > "$log" 2>&1; then
    echo "no package list of ${KERNEL_SUITES[$name]} from $MIRROR: $(tail -n 1 "$log")" >&2
    return 1
  fi
  mapfile -t packages < <(kernel_packages "$name")
  ((${#packages[@]} > 0)) || { echo "${KERNEL_SUITES[$name]} has no $KERNEL_PACKAGE" >&2; return 1; }
  rm -f "$apt_dir"/*.deb
  if ! (cd "$apt_dir" && private_apt "$name" apt-get download -qq "${packages[@]}") >> "$log" 2>&1; then
    echo "cannot download ${packages[*]}: $(tail -n 1 "$log")" >&2
    return 1
  fi
  unpack_kernel "$name" "$apt_dir"/*.deb || return 1
  rm -f "$apt_dir"/*.deb
}

# unpack_kernel NAME DEB...: leaves vmlinuz, config, modules.cpio and release.
unpack_kernel() {
  local dir unpacked release name=$1 deb
  shift
  dir=$(kernel_dir "$name")
  unpacked="$dir/unpacked"
  rm -rf "$dir"
  mkdir -p "$unpacked"
  for deb in "$@"; do
    dpkg-deb -x "$deb" "$unpacked" || return 1
  done
  release=$(find "$unpacked" -type d -path '*/lib/modules/*' -printf '%f\n' -prune | head -n 1)
  find "$unpacked" -type f \( -name "vmlinuz-$release" -o -name vmlinuz \) -exec cp {} "$dir/vmlinuz" \;
  find "$unpacked" -type f \( -name "config-$release" -o -name config \) -exec cp {} "$dir/config" \;
  [[ -n "$release" && -e "$dir/vmlinuz" ]] || { echo "no kernel in $*" >&2; return 1; }
  pack_modules "$unpacked" "$release" > "$dir/modules.cpio" || return 1
  rm -rf "$unpacked"
  # Last, so that a directory with it is whole.
  echo "$release" > "$dir/release"
}

# Writes an archive of MODULES and what they need, uncompressed: not every modprobe and kernel reads compressed ones.
pack_modules() {
  local unpacked=$1 release=$2 chosen="$1/chosen" all name file
  all=$(find "$unpacked" -type d -path "*/lib/modules/$release" | head -n 1)
  mkdir -p "$unpacked/tree/lib/modules" "$chosen/lib/modules/$release"
  mv "$all" "$unpacked/tree/lib/modules/$release"
  find "$unpacked/tree" -name '*.ko.xz' -exec xz -d {} +
  find "$unpacked/tree" -name '*.ko.zst' -exec zstd -q -d --rm {} +
  depmod -b "$unpacked/tree" "$release" 2> /dev/null
  for name in "${MODULES[@]}"; do
    modprobe -d "$unpacked/tree" -S "$release" --show-depends "$name" 2> /dev/null |
      sed -n 's/^insmod \([^ ]*\).*/\1/p'
  done | sort -u | while read -r file; do
    cp "$file" "$chosen/lib/modules/$release/"
  done
  cp "$unpacked/tree/lib/modules/$release"/modules.{builtin,order} "$chosen/lib/modules/$release/"
  depmod -b "$chosen" "$release" 2> /dev/null
  (cd "$chosen" && find . -mindepth 1 | sort | cpio --quiet -o -H newc)
}
