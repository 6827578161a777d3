#!/bin/busybox sh
# shellcheck shell=dash
# The first process in the VM: makes the place look like a small node, runs /command, tells its status, and ends.
export PATH=/rpctee/bin:/bin:/sbin HOME=/root TERM=dumb LANG=C.UTF-8

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
ln -s /proc/self/fd /dev/fd
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
mount -t bpf bpf /sys/fs/bpf
ip link set lo up
for module in /lib/modules/*/*.ko; do
  name=${module##*/}
  modprobe "${name%.ko}" || echo "init: cannot load $name" > /dev/ttyS0
done

# Every byte as it is: no carriage returns.
stty -F /dev/ttyS1 raw -echo
cd /root || exit 1
setsid bash /command > /dev/ttyS1 2>&1 < /dev/null
status=$?
stty -F /dev/ttyS2 raw -echo
echo "$status" > /dev/ttyS2
reboot -f
