#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# quickstart.sh [DIR|RAW-IMAGE]: installs what is needed, builds, and does the main job once on real
# input: an ext4 image made of a directory tree (by default this machine's /usr/share/doc), or a raw
# image of yours. Everything it makes is in build/quickstart and may be thrown away.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
input=$(realpath "${1:-/usr/share/doc}")
cd "$top"

say() { printf '\n$ %s\n' "$*"; }
show() { # prints the command, then runs it
  say "$@"
  "$@"
}

docs/install-packages.sh docs/packages.txt
log=build/quickstart/build.log
tools=(insitu-pack insitu-fsck insitu-stat insitu-unpack)
# What is used here and no more: the other tools, the shared library and the pages take longer.
build() { cmake --build build/quickstart/tools --target "${tools[@]}"; }
# On a terminal ninja keeps to one line; otherwise one for each tenth.
show_tenths() {
  local line tenth last=0
  while IFS= read -r line; do
    [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]] || continue
    tenth=$((10 * BASH_REMATCH[1] / BASH_REMATCH[2]))
    [ "$tenth" -le "$last" ] || echo "  ${BASH_REMATCH[1]} of ${BASH_REMATCH[2]}"
    last=$tenth
  done
}
mkdir -p build/quickstart
if [ ! -f build/quickstart/tools/build.ninja ]; then
  cmake -S . -B build/quickstart/tools -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DINSITU_BUILD_TESTS=OFF >$log
fi
if [ ! -x build/quickstart/tools/apps/insitu-unpack ]; then
  echo "building ${tools[*]}"
fi
if [ -t 1 ]; then
  build
else
  set -o pipefail
  build 2>&1 | tee -a $log | show_tenths || { tail -n 30 $log >&2; exit 1; }
fi
export PATH="$PWD/build/quickstart/tools/apps:$PATH:/usr/sbin:/sbin"
cd build/quickstart
rm -f rootfs.raw rootfs.img back.raw

if [ -d "$input" ]; then
  # Half as much again as the tree, for the file system's own structures and some free space.
  mib=$(($(du -sm --apparent-size "$input" | cut -f1) * 3 / 2 + 64))
  show truncate -s "${mib}M" rootfs.raw
  show mke2fs -q -t ext4 -b 4096 -d "$input" rootfs.raw
  raw=rootfs.raw
else
  raw=$input
fi
show insitu-pack "$raw" rootfs.img
if command -v insitu-fsck >/dev/null; then
  show insitu-fsck rootfs.img
fi
show insitu-stat rootfs.img
show insitu-unpack rootfs.img back.raw
say cmp -n "$(stat -c %s "$raw")" "$raw" back.raw
cmp -n "$(stat -c %s "$raw")" "$raw" back.raw
echo "the same, byte for byte"
if [ -d "$input" ] && [ "$(id -u)" -eq 0 ] && [ -e /dev/loop-control ]; then
  mkdir -p mnt
  show mount -o loop,ro back.raw mnt
  trap 'umount mnt' EXIT
  say diff -r --no-dereference "$input" mnt
  diff -r --no-dereference -x lost+found "$input" mnt
  echo "the same tree"
fi
