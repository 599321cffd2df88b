#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# guest.sh [STAGE...]: the tools on a whole Debian 12 in a virtual machine, with what a container has not:
# the kernel's module nbd, udev, systemd, file systems of all types, power cuts. By hand, as root; takes
# about half an hour where the processor is emulated. The table is docs/portability.md.
#   devices types fstab reboot shutdown power    with images on the machine's own disk
#   served                                       a disk that nbdkit serves from an image, qemu killed
#   root                                         the root file system in an image
#   INSITU_BUILD  the build whose packages are used (default: build/release)
#   ACCEL         how qemu runs it (default: "kvm tcg", the first that there is)
#   KEEP=DIR      where the machine is kept for the next run (default: build/guest)
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 2
build=$(realpath "${INSITU_BUILD:-build/release}")
work=${KEEP:-$top/build/guest}
mirror=${MIRROR:-http://deb.debian.org/debian}
mkdir -p "$work"
work=$(realpath "$work")
# shellcheck source=steps.sh
. tests/steps.sh
subject=guest
export PATH=$build/apps:$PATH
server=
machine=
end() {
  [ -z "$machine" ] || kill -9 "$machine"
  [ -z "$server" ] || kill -9 "$server"
} 2>/dev/null
trap end EXIT

packages=linux-image-amd64,systemd-sysv,udev,kmod,dbus,initramfs-tools,nbdkit,nbd-client,libnbd-bin,fuse3
packages+=,e2fsprogs,dosfstools,btrfs-progs,xfsprogs,fdisk,mtools,squashfs-tools,erofs-utils

install_tools() {
  printf '%s\n' qemu-system-x86 mmdebstrap e2fsprogs cpio nbdkit >"$work/packages"
  docs/install-packages.sh "$work/packages"
}
bootstrap() {
  [ ! -e "$work/tree/complete" ] || return 0
  rm -rf --one-file-system "$work/tree"
  mmdebstrap --variant=minbase --include="$packages" --dpkgopt=force-unsafe-io \
    --customize-hook='echo virtio_blk virtio_pci ext4 | tr " " "\n" >>"$1/etc/initramfs-tools/modules"' \
    --customize-hook='chroot "$1" update-initramfs -u' bookworm "$work/tree" "$mirror" || return
  cp "$work"/tree/boot/vmlinuz-* "$work/kernel"
  cp "$work"/tree/boot/initrd.img-* "$work/initrd"
  touch "$work/tree/complete"
}
install_ours() {
  rm -rf "$work/debs"
  mkdir "$work/debs"
  (cd "$work/debs" && cpack --config "$build/CPackConfig.cmake" -B "$PWD") || return
  mkdir -p "$work/tree/debs"
  cp "$work"/debs/{libinsitu0,insitu-tools,nbdkit-plugin}*.deb "$work/tree/debs/"
  chroot "$work/tree" sh -c 'apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends --reinstall /debs/*.deb' ||
    return
  install -D -m 755 tests/guest/inside.sh "$work/tree/opt/inside.sh"
  printf '%s\n' '[Unit]' 'After=remote-fs.target multi-user.target' '[Service]' Type=oneshot \
    ExecStart=/opt/inside.sh StandardOutput=tty StandardError=tty TTYPath=/dev/ttyS0 \
    TimeoutStartSec=infinity '[Install]' WantedBy=default.target >"$work/tree/etc/systemd/system/inside.service"
  # Another terminal there would cut off what is printed.
  chroot "$work/tree" systemctl mask serial-getty@ttyS0.service &&
    chroot "$work/tree" systemctl enable inside.service
  echo '/dev/vda / ext4 defaults 0 1' >"$work/tree/etc/fstab"
}
make_disk() {
  rm -f "$work/disk"
  truncate -s 4G "$work/disk"
  mke2fs -q -t ext4 -d "$work/tree" "$work/disk"
}

# boot STAGE DISK-OPTIONS...: starts the machine; what it says is in $log.
boot() {
  local stage=$1
  shift
  log=$work/$stage.console
  local accel=()
  for name in ${ACCEL:-kvm tcg}; do accel+=(-accel "$name"); done
  qemu-system-x86_64 "${accel[@]}" -m 1536 -smp 2 -nographic -no-reboot -nodefaults -serial stdio \
    -kernel "$work/kernel" -initrd "$work/initrd" \
    -append "root=/dev/vda rw console=ttyS0 loglevel=1 systemd.show_status=0 panic=-1 guest.stage=$stage" \
    "$@" </dev/null >"$log" 2>&1 &
  machine=$!
}
own_disk=(-drive "file=$work/disk,format=raw,if=virtio,cache=writeback")

# The checks that the machine printed count as this script's; all of them, to the end of the stage.
count_checks() { # STAGE
  local oks bad
  oks=$(grep -ac '^ok ' "$log")
  bad=$(grep -ac '^FAILED ' "$log")
  passed=$((passed + oks))
  failed=$((failed + bad))
  grep -a '^FAILED ' "$log" | sed 's/\r//; s/^/guest: /'
  echo "guest: $1: $oks right, $bad wrong"
}
await_end() { # STAGE
  timeout 600 tail --pid="$machine" -f /dev/null || kill -9 "$machine"
  wait "$machine"
  machine=
  count_checks "$1"
  step "$1 ran to its end" grep -a "^stage $1 ends" "$log"
}
run() { # STAGE DISK-OPTIONS...
  boot "$@"
  await_end "$1"
}
# Kills the machine once it has told of so many synced files.
run_until() { # STAGE FILES DISK-OPTIONS...
  local stage=$1 files=$2
  shift 2
  boot "$stage" "$@"
  for _ in $(seq 3000); do
    [ "$(grep -ac '^synced' "$log")" -lt "$files" ] || break
    sleep 0.1
  done
  kill -9 "$machine"
  wait "$machine" 2>/dev/null
  machine=
  step "$stage: $files files were synced before the power went" \
    [ "$(grep -ac '^synced' "$log")" -ge "$files" ]
  count_checks "$stage"
}
# Every file that was synced, and not removed since, has the content that was synced.
compare_synced() { # STAGE-BEFORE STAGE-AFTER
  local synced=$work/$1.console has=$work/$2.console
  local last
  last=$(grep -a '^synced' "$synced" | tail -n 1 | cut -d ' ' -f 2)
  grep -a '^synced' "$synced" | tr -d '\r' | awk -v first=$((last - 38)) '$2 >= first { print $2, $3 }' |
    sort >"$work/expected"
  grep -a '^has' "$has" | tr -d '\r' | awk '{ print $2, $3 }' | sort >"$work/found"
  [ -s "$work/expected" ] && [ -z "$(comm -23 "$work/expected" "$work/found")" ]
}

socket=$work/socket
start_server() { # IMAGE
  rm -f "$socket"
  nbdkit -f -U "$socket" "$build/apps/nbdkit/nbdkit-insitu-plugin.so" "$1" &
  server=$!
  for _ in $(seq 100); do
    [ ! -S "$socket" ] || break
    sleep 0.1
  done
}
served_disk() {
  echo "file=nbd+unix:///?socket=$socket,format=raw,if=virtio,cache=none,discard=unmap,detect-zeroes=unmap"
}

served() {
  local image=$work/served.img
  rm -f "$image"
  insitu-format -q --size 400M "$image" || return
  start_server "$image"
  run_until served-disk 60 "${own_disk[@]}" -drive "$(served_disk)"
  kill -9 "$server"
  wait "$server" 2>/dev/null
  start_server "$image"
  run after-kill "${own_disk[@]}" -drive "$(served_disk)"
  kill "$server"
  step "the server ends well" wait "$server"
  server=
  step "served: what was synced is there" compare_synced served-disk after-kill
  step "served: the image is sound" insitu-fsck -n "$image"
}

root() {
  local image=$work/root.img
  rm -f "$image"
  step "root: packed" insitu-pack -q "$work/disk" "$image" || return
  for stage in root root-again; do
    start_server "$image"
    run $stage -drive "$(served_disk)"
    kill "$server"
    step "$stage: the server ends well" wait "$server"
    server=
    step "$stage: the image is sound" insitu-fsck -n "$image"
  done
}

step "packages" install_tools || exit 1
step "a Debian 12" bootstrap || exit 1
step "with our packages" install_ours || exit 1
step "its disk" make_disk || exit 1
for stages in "${@:-devices types fstab reboot shutdown power served root}"; do
  for stage in $stages; do
    case $stage in
      served | root) "$stage" ;;
      power)
        run_until power 60 "${own_disk[@]}"
        run after-power "${own_disk[@]}"
        step "power: what was synced is there" compare_synced power after-power
        ;;
      *) run "$stage" "${own_disk[@]}" ;;
    esac
  done
done
echo "guest: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
