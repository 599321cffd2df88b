#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# inside.sh: what tests/guest.sh runs in its virtual machine, as root, at the end of a boot. The kernel's
# command line names the stage. Every check prints a line that begins with "ok" or "FAILED".
set -u
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
stage=$(sed 's/.*guest\.stage=\([a-z0-9-]*\).*/\1/' /proc/cmdline)
cd /srv || exit 1

# check TEXT COMMAND...
check() {
  local text="$stage: $1" out
  shift
  if out=$("$@" 2>&1); then
    echo "ok $text ($SECONDS s)"
  else
    echo "FAILED $text: $* says: ${out//$'\n'/; }"
  fi
}
image() { insitu-format -q --size "$2" "$1"; }
# A device of the kernel's module, and not a loop device.
attach() {
  device=$(insitu-attach "$@") || return
  [[ $device = /dev/nbd* ]] || { echo "$device is not a device of nbd" >&2; return 1; }
}
fill() { # DIR: libraries and noise, and their sums
  mkdir -p "$1"
  cp -r /usr/lib/x86_64-linux-gnu/*.so* "$1"/ 2>/dev/null
  head -c 8000000 /dev/urandom >"$1/random"
  (cd "$1" && find . -type f ! -name sums -exec sha256sum {} + | sort >sums)
  sync
}
is_as_filled() { (cd "$1" && sha256sum --quiet -c sums); }

stage_devices() {
  image a.img 300M
  check "the module is not loaded yet" [ ! -e /sys/module/nbd ]
  attach a.img
  check "attach loads it, and prints its device" [ "$device" = /dev/nbd0 ]
  check "the size is the image's" [ "$(blockdev --getsize64 /dev/nbd0)" = \
    "$(insitu-stat --json --force-share a.img | sed -n 's/.*"logical_bytes": *\([0-9]*\).*/\1/p')" ]
  check "it is listed" grep -q '/dev/nbd0 *.*a.img.*read-write' <(insitu-attach --list)
  check "mkfs" mkfs.ext4 -q -L inner /dev/nbd0
  udevadm settle
  check "udev names what is in it by its label" [ "$(readlink -f /dev/disk/by-label/inner)" = /dev/nbd0 ]
  mount /dev/nbd0 /mnt
  check "the inner file system is filled" fill /mnt/files
  exec 3</mnt/files/random
  check "detach refuses while a file is open" bash -c '! insitu-detach a.img'
  check "and all is still there" is_as_filled /mnt/files
  exec 3<&-
  check "detach unmounts what was mounted by hand" insitu-detach a.img
  check "it did" bash -c '! mountpoint -q /mnt'
  check "nothing is served any more" bash -c '! pgrep nbdkit && [ "$(cat /sys/block/nbd0/size)" = 0 ]'
  check "the image is sound" insitu-fsck -n a.img
  check "mount -t insitu" mount -t insitu a.img /mnt
  check "what was written is there" is_as_filled /mnt/files
  check "umount ends the server as well" bash -c 'umount /mnt; for _ in $(seq 50); do pgrep nbdkit || exit 0; sleep 0.1; done; exit 1'

  check "read-only" attach -r a.img
  check "the device is read-only" [ "$(blockdev --getro /dev/nbd0)" = 1 ]
  check "and cannot be written" bash -c '! dd if=/dev/zero of=/dev/nbd0 bs=4096 count=1 conv=fsync'
  insitu-detach a.img

  image "a name, with 'quotes'.img" 64M
  image b.img 64M
  image c.img 64M
  for name in a.img "a name, with 'quotes'.img" b.img c.img; do
    check "one of four: $name" attach "$name"
  done
  check "four are listed" [ "$(insitu-attach --list | wc -l)" = 4 ]
  for name in c.img a.img b.img "a name, with 'quotes'.img"; do
    check "and detached in another order" insitu-detach "$name"
  done
  check "none is left" [ -z "$(insitu-attach --list)" ]

  attach b.img
  printf 'label: gpt\nsize=20M\nsize=20M\n' | sfdisk -q /dev/nbd0
  udevadm settle
  check "partitions have devices" mkfs.ext4 -q /dev/nbd0p2
  insitu-detach b.img
  check "a partition is mounted" insitu-attach --partition 2 b.img /mnt
  check "the second one" [ "$(findmnt -no SOURCE /mnt)" = /dev/nbd0p2 ]
  check "and detached by its mount point" insitu-detach /mnt

  attach a.img
  check "the server is killed" bash -c 'kill -9 $(cat /run/insitu-tools/*/nbdkit.pid)'
  sleep 0.5
  check "the list says so" bash -c 'insitu-attach --list | tee /dev/stderr | grep -q "a.img.*gone"'
  check "and attached again" attach a.img
  check "the file system is as it was" bash -c 'mount /dev/nbd0 /mnt && cd /mnt/files && sha256sum --quiet -c sums'
  umount /mnt
  insitu-detach a.img

  # An image on a disk, as systemd checks it at boot.
  insitu-format -q --size 64M --label outer outer.img
  loop=$(losetup --find --show outer.img)
  udevadm settle
  check "udev names the image by its label" [ "$(readlink -f /dev/disk/by-label/outer)" = "$loop" ]
  # Neither probes for a type of its own: fstab says which.
  cp /etc/fstab fstab.old
  echo "$loop /outer insitu noauto 0 2" >>/etc/fstab
  check "systemd-fsck finds its checker" bash -c '/lib/systemd/systemd-fsck "$1" 2>&1 | tee /dev/stderr | grep -q clean' - "$loop"
  check "fsck -A finds it" bash -c 'fsck -A -R -a 2>&1 | grep -q "$1: clean"' - "$loop"
  mv fstab.old /etc/fstab
  losetup -d "$loop"
}

# All types, on sectors of 4096 bytes.
stage_types() {
  modprobe -a vfat btrfs xfs squashfs erofs 2>/dev/null
  mkdir -p tree/deeper
  cp -r /etc tree/deeper/
  rm -rf tree/deeper/etc/ssl
  find tree -type l -delete
  for type in ext2 ext3 ext4 xfs btrfs vfat squashfs erofs; do
    rm -f typed.img
    insitu-mkfs -q -t $type -d tree typed.img 2>mkfs.log || {
      check "$type is made" sh -c 'cat mkfs.log; exit 1'
      continue
    }
    check "$type on sectors of 4096 bytes" insitu-attach -r --sector-size 4096 typed.img /mnt
    check "$type: they are" [ "$(cat /sys/block/nbd0/queue/logical_block_size)" = 4096 ]
    check "$type: every file is in it" diff -r -x lost+found tree /mnt
    insitu-detach /mnt || umount /mnt
  done
}

stage_fstab() {
  image fstab.img 200M
  check "an ext4" bash -c 'mkfs.ext4 -q "$(insitu-attach fstab.img)" && insitu-detach fstab.img'
  image unit.img 400M
  check "an xfs" bash -c 'mkfs.xfs -q "$(insitu-attach unit.img)" && insitu-detach unit.img'
  mkdir -p /fstab /unit /etc/insitu
  echo '/srv/fstab.img /fstab insitu fs=ext4,_netdev,nofail 0 0' >>/etc/fstab
  echo '/srv/unit.img /unit fs=xfs,noatime' >/etc/insitu/data.conf
  systemctl daemon-reload
  check "mount -a" mount -a
  check "mounted" mountpoint -q /fstab
  check "the unit" systemctl enable --now insitu@data
  check "mounted, with its options" grep -q ' /unit xfs .*noatime' /proc/mounts
  check "findmnt --verify has no errors" bash -c 'findmnt --verify 2>&1 | grep -q "0 errors"'
}

# After another boot, and before a power cut.
stage_reboot() {
  check "fstab mounted it" mountpoint -q /fstab
  check "the unit mounted it" mountpoint -q /unit
  check "the unit is active" systemctl is-active --quiet insitu@data
  check "files through fstab" fill /fstab/files
  check "files through the unit" fill /unit/files
  # Not synced: the shutdown has to see to it.
  seq 1000000 >/fstab/late
  seq 1000000 >/unit/late
}

stage_shutdown() {
  for where in /fstab /unit; do
    check "$where: what was written is there after a shutdown" is_as_filled $where/files
    check "$where: and what nobody had synced" [ "$(tail -n 1 $where/late)" = 1000000 ]
  done
  umount /fstab
  systemctl stop insitu@data
  check "the image of fstab is sound" insitu-fsck -n fstab.img
  check "the unit's image is sound" insitu-fsck -n unit.img
}

# Until the power goes.
stage_power() {
  check "mounted" mountpoint -q /unit
  for ((i = 0; ; ++i)); do
    head -c 300000 /dev/urandom >"/unit/cut-$i"
    sync "/unit/cut-$i" && sync /unit && sync -f /unit
    echo "synced $i $(sha256sum <"/unit/cut-$i" | cut -c 1-64)"
    # The files before it leave holes.
    rm -f "/unit/cut-$((i - 40))"
  done
}

stage_after-power() {
  check "mounted after a power cut" mountpoint -q /unit
  for file in /unit/cut-*; do
    echo "has ${file##*-} $(sha256sum <"$file" | cut -c 1-64)"
  done
  check "older files are whole" is_as_filled /unit/files
  systemctl stop insitu@data
  check "the image is sound" insitu-fsck -n unit.img
}

# The disk that another machine serves from an image: /dev/vdb.
stage_served-disk() {
  check "mkfs" mkfs.ext4 -q /dev/vdb
  mount -o discard /dev/vdb /mnt
  check "files" fill /mnt/files
  rm -rf /mnt/files/lib*
  check "trim" fstrim /mnt
  (cd /mnt/files && find . -type f ! -name sums -exec sha256sum {} + | sort >sums)
  sync
  for ((i = 0; ; ++i)); do
    head -c 300000 /dev/urandom >"/mnt/cut-$i"
    sync "/mnt/cut-$i" && sync -f /mnt
    echo "synced $i $(sha256sum <"/mnt/cut-$i" | cut -c 1-64)"
    rm -f "/mnt/cut-$((i - 40))"
  done
}

stage_after-kill() {
  check "the journal is replayed" mount /dev/vdb /mnt
  for file in /mnt/cut-*; do
    echo "has ${file##*-} $(sha256sum <"$file" | cut -c 1-64)"
  done
  check "older files are whole" is_as_filled /mnt/files
  umount /mnt
  check "the file system is sound" e2fsck -fn /dev/vdb
}

# The machine's own root file system is in an image.
stage_root() {
  check "a file of the root file system" test -x /usr/bin/insitu-pack
  head -c 5000000 /dev/urandom >/srv/in-root
  sha256sum /srv/in-root >/srv/in-root.sum
}
stage_root-again() {
  check "what was written before the shutdown" sha256sum --quiet -c /srv/in-root.sum
}

echo "stage $stage begins"
"stage_$stage"
sync
echo "stage $stage ends"
systemctl poweroff
