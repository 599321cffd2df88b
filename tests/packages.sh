#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# packages.sh: makes the Debian packages of a build (one of them twice: the same bytes), runs lintian,
# and installs, uses and removes them in a bare Debian 12. Needs root and a mirror.
# usage: INSITU_BUILD=DIR tests/packages.sh
# BOOTSTRAP=debootstrap makes the bare system with debootstrap, which takes twice as long.
set -eu
tests=$(cd "$(dirname "$0")" && pwd)
build=$(realpath "${INSITU_BUILD:?the directory of the build}")
mirror=${MIRROR:-http://deb.debian.org/debian}
work=$(mktemp -d /var/tmp/insitu-packages.XXXXXX)
clean_up() {
  wait # a bootstrap that is still at work has its chroot below the directory
  rm -rf --one-file-system "$work"
}
trap clean_up EXIT
cd "$work"
fail() { echo "FAILED: $*" >&2; exit 1; }

# The bare system comes from the mirror while the packages are made.
bootstrap() {
  case ${BOOTSTRAP:-mmdebstrap} in
    debootstrap) debootstrap --variant=minbase bookworm chroot "$mirror" ;;
    *) mmdebstrap --variant=apt --dpkgopt=force-unsafe-io --skip=cleanup/apt/lists bookworm chroot "$mirror" ;;
  esac >bootstrap.log 2>&1
}
bootstrap &
bootstrapping=$!

pack() { # DIR [CPACK OPTIONS…]
  local run=$1
  shift
  (umask 022 && mkdir -p "$run" && cd "$run" &&
    cpack --config "$build/CPackConfig.cmake" -B "$PWD" "$@") >log 2>&1 || fail "cpack: $(tail log)"
}
pack one
pack two/deeper -D CPACK_COMPONENTS_ALL=tools
tools=$(cd one && echo insitu-tools_*.deb)
cmp "one/$tools" "two/deeper/$tools" || fail "$tools depends on where and when it was made"
for package in libinsitu0 libinsitu-dev insitu-tools insitu-tools-doc nbdkit-plugin-insitu python3-insitu; do
  compgen -G "one/${package}_*.deb" >/dev/null || fail "there is no $package: $(ls one)"
done
echo "packages: $(cd one && stat -c '%n %s' ./*.deb | tr '\n' ' ')"

lintian --allow-root --fail-on error,warning one/*.deb >lintian 2>&1 || fail "lintian: $(cat lintian)"
echo "lintian: no errors, no warnings"

# A mount namespace of its own: nothing stays mounted, whatever happens.
inside() {
  unshare --mount sh -ec 'mount -t proc proc "$0/proc"; mount -t sysfs sysfs "$0/sys"; exec chroot "$0" env -i \
    PATH=/usr/bin:/usr/sbin:/bin:/sbin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"' \
    "$work/chroot" "$@"
}
apt() { # APT-GET ARGUMENTS…, quietly
  inside apt-get -y -q -o Dpkg::Use-Pty=0 --no-install-recommends "$@" >log 2>&1 ||
    fail "apt-get $*: $(tail -n 20 log)"
}
files() { (cd chroot && find . -path ./proc -prune -o -path ./sys -prune -o -print | sort); }

wait "$bootstrapping" || fail "no bare Debian: $(tail bootstrap.log)"
cp one/*.deb chroot/root/
cp "$tests/packages_use.sh" chroot/root/use.sh
[ "${BOOTSTRAP:-}" != debootstrap ] || apt update
files >before
mapfile -t debs < <(cd one && printf '/root/%s\n' *.deb)
apt install "${debs[@]}"
inside sh -eu /root/use.sh tools || fail "using the tools"
apt install e2fsprogs file man-db zsh
inside sh -eu /root/use.sh found || fail "finding what is installed"
inside sh -eu /root/use.sh mkfs || fail "making a file system"
PKG_CONFIG_PATH=$(echo chroot/usr/lib/*/pkgconfig) pkg-config --cflags --libs insitu >flags
grep -qF "chroot/usr/" flags || fail "insitu.pc knows another place: $(cat flags)"
cp chroot/etc/magic magic.installed
apt purge python3-insitu insitu-tools insitu-tools-doc libinsitu-dev libinsitu0 nbdkit-plugin-insitu
apt autoremove --purge
files >after
left=$(comm -13 before after | grep -E 'insitu' | grep -v '^./root/' || :)
[ -z "$left" ] || fail "the removed packages leave: $left"
! grep -q insitu chroot/etc/magic || fail "the entry is left in /etc/magic"
grep -q insitu magic.installed || fail "there was no entry in /etc/magic"
inside dpkg --verify libmagic1 >verified
[ ! -s verified ] || fail "/etc/magic is not what it was: $(cat verified)"
echo "installed, used and removed in a bare Debian 12"
