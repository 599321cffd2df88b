#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# portability.sh ARCH...: builds the library, the tools and the test programs for other architectures
# of Debian, runs the tests there by qemu's emulation of a processor, and compares images with this
# machine's. By hand: an architecture takes about half an hour. The table is docs/portability.md.
# portability.sh in-turn [fetch|name]: on one architecture, with each commit another, whether streams and
# layouts are the same: what CI does. "fetch": only the packages that it takes; "name": which it is.
#   ARCH         arm64, armhf, i386, ppc64el, s390x (big-endian); Debian 12 has no riscv64
#   INSITU_BUILD the build of this machine (default: build/release)
#   OPTIMIZE     how the compiler optimizes (default: -O2); -O1 compiles faster
#   JOBS         how many things are done at once (default: the number of processors)
#   TARGETS      what is built (default: product test_programs stream_tests)
#   TESTS        which test programs run, a pattern of ctest
#   ONLY         which steps: build, streams, tests, images, tools (default: all; none, but the packages: fetch)
# Needs the cross compiler (g++-TRIPLE) and qemu-user, which root or sudo installs. The libraries of the
# other architecture go to a directory below build/portability; this system is left alone.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 2
host=$(realpath -m "${INSITU_BUILD:-build/release}")
jobs=${JOBS:-$(nproc)}
only=${ONLY:-build streams tests images tools}
mirror=${MIRROR:-http://deb.debian.org/debian}
suite=bookworm
libraries=libc6-dev,libstdc++-12-dev,zlib1g-dev,libfmt-dev,liblzo2-dev,libdeflate-dev,libxxhash-dev
libraries+=,libblkid-dev,liburing-dev,libnbd-dev,libssl-dev,libarchive-dev,libext2fs-dev
libraries+=,comerr-dev,nlohmann-json3-dev,catch2,libcli11-dev,nbdkit-plugin-dev
# Without encoder_work_tests, which counts work: the same work, and slow when it is emulated.
programs=${TESTS:-'^(apps_unit|tools_unit|unit|device|device_crash|mkfs|fuzz_replay)_tests$|^(round_trip|fsck_.*)_test$'}
# shellcheck source=steps.sh
. tests/steps.sh

# The compiler's name of an architecture, and the name by which qemu and CMake know its processor.
names_of() {
  case $1 in
    arm64) triple=aarch64-linux-gnu package=aarch64-linux-gnu processor=aarch64 ;;
    armhf) triple=arm-linux-gnueabihf package=arm-linux-gnueabihf processor=arm ;;
    i386) triple=i686-linux-gnu package=i686-linux-gnu processor=i386 ;;
    ppc64el) triple=powerpc64le-linux-gnu package=powerpc64le-linux-gnu processor=ppc64le ;;
    s390x) triple=s390x-linux-gnu package=s390x-linux-gnu processor=s390x ;;
    *) echo "$1: no architecture that is known here: arm64 armhf i386 ppc64el s390x" >&2
      return 2 ;;
  esac
  multiarch=$triple
  [ "$arch" != i386 ] || multiarch=i386-linux-gnu
}

install_compiler() {
  local list
  list=$(mktemp)
  printf '%s\n' "g++-$package" qemu-user mmdebstrap >"$list"
  docs/install-packages.sh "$list"
  rm -f "$list"
}

make_sysroot() {
  [ ! -e "$work/sysroot/complete" ] || return 0
  rm -rf "$work/sysroot"
  mmdebstrap --variant=extract --architectures="$arch" --skip=check/qemu --include="$libraries" \
    "$suite" "$work/sysroot" "$mirror" || return 1
  # Links that begin at the root would lead to this system's libraries.
  local link target
  find "$work/sysroot/usr/lib" "$work/sysroot"/lib* -type l -lname '/*' | while read -r link; do
    target=$(readlink "$link")
    [ ! -e "$work/sysroot$target" ] || ln -sfr "$work/sysroot$target" "$link"
  done
  touch "$work/sysroot/complete"
}

# A 64-bit x86 processor runs 32-bit programs itself; all others are emulated.
find_emulator() {
  emulator=("qemu-$processor" -L "$work/sysroot")
  if [ "$arch" = i386 ] && "$work/sysroot/lib/ld-linux.so.2" --version >/dev/null 2>&1; then
    emulator=("$work/sysroot/lib/ld-linux.so.2" --library-path
      "$work/sysroot/lib/$multiarch:$work/sysroot/usr/lib/$multiarch")
  fi
}

configure() {
  cat >"$work/toolchain.cmake" <<END
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR $processor)
set(CMAKE_C_COMPILER $triple-gcc)
set(CMAKE_CXX_COMPILER $triple-g++)
set(CMAKE_SYSROOT "$work/sysroot")
set(CMAKE_FIND_ROOT_PATH "$work/sysroot")
set(CMAKE_LIBRARY_ARCHITECTURE $multiarch)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_CROSSCOMPILING_EMULATOR "$(IFS=';'; echo "${emulator[*]}")")
END
  cmake -S . -B "$work/build" -G Ninja -DCMAKE_TOOLCHAIN_FILE="$work/toolchain.cmake" \
    -DCMAKE_BUILD_TYPE=Release -DINSITU_WARNINGS_AS_ERRORS="${WERROR:-ON}" -DINSITU_BUILD_TESTS=ON \
    -DCMAKE_CXX_FLAGS_RELEASE="${OPTIMIZE:--O2} -DNDEBUG"
}

# The tools under their names, for scripts that look for them in PATH.
make_wrappers() {
  rm -rf "$work/tools"
  mkdir -p "$work/tools"
  local tool
  for tool in "$work"/build/apps/insitu-*; do
    printf '#!/bin/sh\nexec %s "%s" "$@"\n' "$(printf '"%s" ' "${emulator[@]}")" "$tool" \
      >"$work/tools/${tool##*/}"
  done
  chmod +x "$work"/tools/*
}

shell_test() { # SCRIPT below tests/
  INSITU_TOOLS=$work/tools INSITU_TESTS=$top/tests INSITU_BUILD=$work/build bash "tests/$1"
}

wants() { [[ " $only " == *" $1 "* ]]; }

one_architecture() {
  step "cross compiler and emulator" install_compiler || return
  step "libraries" make_sysroot || return
  find_emulator
  export PKG_CONFIG_SYSROOT_DIR=$work/sysroot
  export PKG_CONFIG_LIBDIR=$work/sysroot/usr/lib/$multiarch/pkgconfig:$work/sysroot/usr/share/pkgconfig
  if wants build; then
    step "configure" configure || return
    # shellcheck disable=SC2086
    step "build without a warning" cmake --build "$work/build" -j "$jobs" \
      --target ${TARGETS:-product test_programs stream_tests} -- -k 0 || return
  fi
  if wants streams; then
    step "streams and layouts" "${emulator[@]}" "$work/build/tests/unit/stream_tests" || return
  fi
  make_wrappers
  if wants tests; then
    local name
    while read -r name; do
      step "$name" ctest --test-dir "$work/build" -R "^$name\$" --timeout 3600 --output-on-failure
    done < <(ctest --test-dir "$work/build" -N -R "$programs" | sed -n 's/^ *Test *#[0-9]*: //p')
  fi
  if wants images; then
    step "the same images as here" bash tests/portability/same_images.sh "$host/apps" "$work/tools"
  fi
  if wants tools; then
    step "the driver's images" shell_test golden/golden_test.sh
    step "the driver's damaged images" shell_test fsck/fsck_golden_test.sh
    step "beyond 4 GiB" shell_test portability/large_test.sh
  fi
}

# Another with each commit; without git, with each day.
architecture_in_turn() {
  local all=(arm64 armhf i386 ppc64el s390x) turn
  turn=$(cksum <<<"$(git rev-parse HEAD 2>/dev/null || date +%F)")
  echo "${all[${turn%% *} % ${#all[@]}]}"
}

[ $# -gt 0 ] || { sed -n '3,18s/^# \?//p' "$0"; exit 2; }
if [ "$1" = in-turn ]; then
  only=${2:-build streams}
  set -- "${INSITU_ARCH:-$(architecture_in_turn)}"
  [ "$only" != name ] || { echo "$1"; exit; }
  OPTIMIZE=${OPTIMIZE:--O1}
  TARGETS=stream_tests
fi
for arch in "$@"; do
  names_of "$arch" || exit 2
done
for arch in "$@"; do
  names_of "$arch"
  subject=$arch
  work=$top/build/portability/$arch
  mkdir -p "$work"
  one_architecture
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
