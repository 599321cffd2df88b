#!/bin/bash
# Builds the Debian packages twice in different directories, compares them, runs lintian, and
# installs, uses and removes them in a bare Debian 12 (debootstrap). Needs root and a mirror.
# usage: tests/packages.sh [MIRROR]
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
mirror=${1:-http://deb.debian.org/debian}
work=$(mktemp -d /var/tmp/insitu-packages.XXXXXX)
chroot=$work/chroot
trap 'umount "$chroot/proc" 2>/dev/null || true; rm -rf --one-file-system "$work"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }
export SOURCE_DATE_EPOCH=1700000000
umask 022

git -C "$source" ls-files -z | tar -C "$source" --null -T - -cf "$work/source.tar"
for build in one two/deeper; do
    mkdir -p "$work/$build"
    tar -C "$work/$build" -xf "$work/source.tar"
    cmake -S "$work/$build" -B "$work/$build/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_INSTALL_PREFIX=/usr -DINSITU_BUILD_TESTS=OFF >"$work/log" || fail "cmake: $(cat "$work/log")"
    ninja -C "$work/$build/build" >"$work/log" || fail "build: $(tail "$work/log")"
    (cd "$work/$build/build" && cpack >"$work/log" 2>&1) || fail "cpack: $(tail "$work/log")"
done
cd "$work"
for deb in one/build/*.deb; do
    cmp "$deb" "two/deeper/build/${deb##*/}" || fail "${deb##*/} is not reproducible"
done
echo "two builds, the same bytes: $(cd one/build && ls -s --block-size=1 ./*.deb | tr '\n' ' ')"

lintian --allow-root --fail-on error one/build/*.deb >lintian 2>&1 ||
    fail "lintian: $(grep '^E:' lintian)"
echo "lintian: no errors"

debootstrap --variant=minbase bookworm "$chroot" "$mirror" >log 2>&1 || fail "debootstrap: $(tail log)"
cp one/build/*.deb "$chroot/root/"
cp "$source/tests/everyday/lib.sh" "$chroot/root/" # a file to pack
mount -t proc proc "$chroot/proc"
inside() { chroot "$chroot" env -i PATH=/usr/bin:/usr/sbin:/bin:/sbin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
(cd "$chroot" && find . -path ./proc -prune -o -path ./var -prune -o -print | sort) >before
inside sh -c 'apt-get update -qq && apt-get install -y -qq --no-install-recommends /root/*.deb' >log 2>&1 ||
    fail "install: $(tail log)"
inside sh -ec '
    cd /root
    seq 500000 >raw
    insitu-pack --verify --manifest m.json raw image
    insitu-stat image >/dev/null
    insitu-unpack --verify-manifest m.json image back
    cmp -n "$(stat -c %s raw)" raw back
    mkdir -p tree/etc && echo hello >tree/etc/file
    mkfs.insitu -q -t ext4 -d tree fs.img
    insitu-dump-meta --json fs.img >/dev/null
    ! ldd /usr/bin/insitu-pack | grep "not found"
' || fail "use"
inside sh -c 'apt-get purge -y -qq insitu-tools libinsitu-dev libinsitu0 && apt-get autoremove -y -qq --purge' >log 2>&1 ||
    fail "remove: $(tail log)"
(cd "$chroot" && find . -path ./proc -prune -o -path ./var -prune -o -print | sort) >after
left=$(comm -13 before after | grep -E 'insitu' || true)
[ -z "$left" ] || fail "removed packages leave: $left"
echo "installed, used and removed in a bare Debian 12"
