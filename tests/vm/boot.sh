# shellcheck shell=bash
# Boots a kernel in qemu's plain emulation, with a root of a few programs in memory, and runs one command in it.
#
# Sourced by scripts/vm.sh, which has die(). No network, no disk, no KVM: kernel messages go to the first serial line, the
# command's output to the second, its exit status to the third.
: "${root:?}" "${vm_dir:?}"

# Programs of this machine that the lab, the tests and people in the VM use; the rest is busybox.
readonly TOOLS=(bash bpftool ip jq kmod nsenter tc)
readonly VM_SECONDS="${RPCTEE_VM_SECONDS:-900}"
readonly VM_MEMORY_MIB=1024

# Why no kernel can be booted here; nothing when it can.
why_no_vm() {
  local tool
  for tool in qemu-system-x86_64 busybox cpio depmod; do
    command -v "$tool" > /dev/null || PATH="$PATH:/usr/sbin:/sbin" command -v "$tool" > /dev/null || {
      echo "$tool is not installed (Debian: qemu-system-x86 busybox-static cpio kmod)"
      return
    }
  done
}

# add_program STAGE FILE TO: a program and the shared libraries that it needs.
add_program() {
  local stage=$1 file=$2 to=$3 library
  mkdir -p "$stage/$(dirname "$to")"
  rm -f "$stage/$to"
  cp -L "$file" "$stage/$to"
  strip "$stage/$to" 2> /dev/null || true
  while read -r library; do
    [[ -e "$stage$library" ]] && continue
    mkdir -p "$stage$(dirname "$library")"
    cp -L "$library" "$stage$library"
  done < <(ldd "$file" 2> /dev/null | grep -o '/[^ ]*')
}

# make_userland STAGE: busybox, tools, /init, and mount points.
make_userland() {
  local stage=$1 busybox applet tool file
  mkdir -p "$stage"/{bin,sbin,dev,etc,proc,sys,run,tmp,root}
  ln -s . "$stage/usr"
  busybox=$(command -v busybox)
  add_program "$stage" "$busybox" bin/busybox
  for applet in $("$busybox" --list); do
    [[ "$applet" == busybox ]] || ln -sf busybox "$stage/bin/$applet"
  done
  for tool in "${TOOLS[@]}"; do
    file=$(PATH="$PATH:/usr/sbin:/sbin" command -v "$tool") || die "$tool is not installed"
    add_program "$stage" "$file" "bin/$tool"
  done
  # busybox's sh would take its own ip and tc before those in PATH.
  ln -sf bash "$stage/bin/sh"
  ln -sf ../bin/kmod "$stage/sbin/modprobe"
  rm -f "$stage"/bin/{modprobe,insmod,rmmod,lsmod,depmod,modinfo}
  echo "root:x:0:0:root:/root:/bin/bash" > "$stage/etc/passwd"
  cp "$root/tests/vm/init.sh" "$stage/init"
  chmod +x "$stage/init"
}

# add_project STAGE: scripts and what `vm.sh build` has built, at /rpctee.
add_project() {
  local stage=$1 compiler build name
  mkdir -p "$stage/rpctee"/{scripts,bin,tests/vm}
  cp "$root/scripts/lab.sh" "$stage/rpctee/scripts/"
  cp "$root"/tests/vm/*.{sh,txt,yaml} "$stage/rpctee/tests/vm/"
  for compiler in "${COMPILERS[@]}"; do
    build="$vm_dir/$compiler"
    for name in tests/bpf/bpf_packets tests/lab/tap/lab_tap tests/vm/verifier_report userspace/cli/rpctee; do
      [[ -x "$build/$name" ]] && add_program "$stage" "$build/$name" "rpctee/$compiler/${name##*/}"
    done
    for name in provider consumer; do
      name="tests/lab/sample/rpctee-sample-$name"
      [[ -x "$build/$name" ]] && add_program "$stage" "$build/$name" "rpctee/bin/${name##*/}"
    done
  done
  return 0
}

pack() { (cd "$1" && find . -mindepth 1 | cpio --quiet -o -H newc -R 0:0); }

# Ends a VM that still runs.
stop_vm() {
  if [[ -s "$1/qemu.pid" ]]; then
    kill "$(cat "$1/qemu.pid")" 2> /dev/null || true
  fi
}

# boot RUN_DIR KERNEL CMD...: RUN_DIR/stage is the root file system. Returns the command's exit status, or 125 with the
# reason on stderr when the VM ended without one. Kernel messages stay in RUN_DIR/kernel.log.
boot() {
  local run_dir=$1 kernel=$2 dir status
  shift 2
  dir=$(kernel_dir "$kernel")
  rm -rf "$run_dir/command"
  mkdir -p "$run_dir/command"
  printf '%q ' "$@" > "$run_dir/command/command"
  { cat "$run_dir/stage.cpio" "$dir/modules.cpio"; pack "$run_dir/command"; } > "$run_dir/initrd"
  : > "$run_dir/status"
  # Without cx16, because qemu 7.2 now and then gets cmpxchg16b wrong, and 6.12's allocator then crashes while booting.
  # In the background, so that a signal to vm.sh is not kept waiting. Through cat: qemu makes its output non-blocking, which others who write there would not expect.
  timeout "$VM_SECONDS" nice -n 10 qemu-system-x86_64 -accel tcg,thread=multi,tb-size=256 -cpu max,-cx16 -smp 2 \
    -m "$VM_MEMORY_MIB" -pidfile "$run_dir/qemu.pid" -nodefaults -no-user-config -display none -no-reboot \
    -kernel "$dir/vmlinuz" -initrd "$run_dir/initrd" \
    -append "console=ttyS0 loglevel=5 panic=-1 mitigations=off nokaslr no_timer_check random.trust_cpu=on" \
    -serial "file:$run_dir/kernel.log" -chardev stdio,id=output,signal=off -serial chardev:output \
    -serial "file:$run_dir/status" < /dev/null 2> "$run_dir/qemu.log" | cat &
  wait "$!" || true
  status=$(tr -cd 0-9 < "$run_dir/status")
  [[ -n "$status" ]] && return "$status"
  cp "$run_dir/kernel.log" "$vm_dir/failed-$kernel.log"
  echo "Linux $(release_of "$kernel") ended before the command did (or ran into the limit of $VM_SECONDS s):" \
    "$(cat "$run_dir/qemu.log" "$run_dir/kernel.log" | tr -d '\r' | tail -n 5 | tr '\n' '|') see $vm_dir/failed-$kernel.log" >&2
  return 125
}
