#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# systems.sh NAME...: builds and tests on other systems than Debian 12 with g++ and all libraries. By
# hand: some take half an hour. The table is docs/portability.md.
#   minimal   without liburing, libnbd and nbdkit
#   libc++    clang++ with its own C++ library
#   trixie    Debian 13 in a chroot: gcc 14, fmt 10, Catch2 3, CLI11 2.4 (as root)
#   musl      what is missing for it
#   JOBS      how many things are done at once (default: the number of processors)
#   OPTIMIZE  how the compiler optimizes (default: -O3, as in a release); -O1 compiles faster
#   TARGETS   what is built (default: product test_programs encoder_work_tests)
#   TESTS     which tests, a pattern of ctest (default: the programs, and the tools' own)
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 2
jobs=${JOBS:-$(nproc)}
read -ra targets <<<"${TARGETS:-product test_programs encoder_work_tests}"
optimize="-DCMAKE_CXX_FLAGS_RELEASE=${OPTIMIZE:--O3} -DNDEBUG"
mirror=${MIRROR:-http://deb.debian.org/debian}
programs='^(.*_tests?|fuzz_replay_tests)$'
tools='^(cli_(common|format|pack|unpack|stat|devices|output|copy|resize)|golden|fsck_golden)$'
# What these tests call besides what building needs.
called=bzip2,dosfstools,fdisk,file,jq,openssl,procps,python3,python3-xxhash,strace,time,xxhash,xz-utils,zstd
# shellcheck source=steps.sh
. tests/steps.sh

install() { # PACKAGES...
  printf '%s\n' "$@" >"$work/packages"
  docs/install-packages.sh "$work/packages"
}

build_and_test() { # CMAKE OPTIONS...
  step "configure" cmake -S . -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DINSITU_BUILD_TESTS=ON -DINSITU_WARNINGS_AS_ERRORS=ON -DINSITU_GROUP_SOURCES=OFF "$optimize" "$@" || return
  step "build without a warning" cmake --build "$work/build" -j "$jobs" \
    --target "${targets[@]}" -- -k 0 || return
  for tests in "${TESTS:-$programs}" "${TESTS:-$tools}"; do
    step "tests $tests" ctest --test-dir "$work/build" -R "$tests" --timeout 900 --output-on-failure
    [ -z "${TESTS:-}" ] || break
  done
}

try_minimal() {
  build_and_test -DINSITU_WITH_URING=OFF -DINSITU_WITH_NBD=OFF -DINSITU_WITH_NBDKIT=OFF || return
  step "no liburing in it" bash -c '! ldd "$1" | grep uring' bash "$work/build/apps/insitu-pack"
}

# fmt and Catch2 of Debian are built with the other library; both can be used as headers alone.
try_libcxx() {
  step "packages" install clang libc++-dev libc++abi-dev || return
  build_and_test -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_CXX_FLAGS="-stdlib=libc++ -DFMT_HEADER_ONLY"
}

inside() { # COMMAND... in the chroot, with the sources at /src and the build at /build
  unshare --mount sh -ec 'mount -t proc proc "$0/proc"; mount --rbind /sys "$0/sys"
    mount --rbind /dev "$0/dev"; mount --bind "$1" "$0/src"; mount --bind "$2" "$0/build"
    mount -t tmpfs tmpfs "$0/tmp"; shift 2; exec chroot "$0" "$@"' \
    "$work/chroot" "$top" "$work/build" env -i PATH=/usr/bin:/usr/sbin:/bin:/sbin LC_ALL=C.UTF-8 \
    HOME=/root CCACHE_DIR=/build/ccache "$@"
}

bootstrap() {
  [ ! -e "$work/chroot/complete" ] || return 0
  rm -rf --one-file-system "$work/chroot"
  local packages
  packages=$(sed 's/#.*//; /^ *$/d' docs/packages.txt | paste -sd,)
  mmdebstrap --variant=apt --dpkgopt=force-unsafe-io \
    --include="$packages,catch2,ccache,$called" \
    trixie "$work/chroot" "$mirror" || return 1
  mkdir -p "$work/chroot/src" "$work/chroot/build"
  touch "$work/chroot/complete"
}

try_trixie() {
  step "packages" install mmdebstrap || return
  mkdir -p "$work/build"
  step "a chroot" bootstrap || return
  step "configure" inside cmake -S /src -B /build -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DINSITU_BUILD_TESTS=ON -DINSITU_WARNINGS_AS_ERRORS=ON -DINSITU_GROUP_SOURCES=OFF "$optimize" \
    -DCMAKE_CXX_COMPILER_LAUNCHER=ccache || return
  step "build without a warning" inside cmake --build /build -j "$jobs" \
    --target "${targets[@]}" -- -k 0 || return
  step "tests $programs" inside ctest --test-dir /build -R "${TESTS:-$programs}" \
    --timeout 900 --output-on-failure
  [ -n "${TESTS:-}" ] ||
    step "tests $tools" inside ctest --test-dir /build -R "$tools" --timeout 900 --output-on-failure
}

# Debian has a C library for musl and no C++ library over it: the headers of g++'s are for glibc.
try_musl() {
  step "packages" install musl-tools || return
  echo 'int main() { return 0; }' >"$work/c.c"
  step "a C program" musl-gcc -o "$work/c" "$work/c.c" || return
  printf '#include <string>\nint main() { return static_cast<int>(std::string("x").size()) - 1; }\n' \
    >"$work/c.cpp"
  if musl-gcc -x c++ -o "$work/cpp" "$work/c.cpp" -lstdc++ >"$work/cpp.log" 2>&1 && "$work/cpp"; then
    echo "musl: C++ works now; this script should build with it"
    failed=$((failed + 1))
  else
    echo "musl: no C++ library: $(grep -m1 -E 'error|cannot' "$work/cpp.log")"
  fi
}

[ $# -gt 0 ] || { sed -n '3,13s/^# \?//p' "$0"; exit 2; }
for name in "$@"; do
  case $name in
    minimal | libc++ | trixie | musl) ;;
    *) echo "$name: not known here: minimal libc++ trixie musl" >&2; exit 2 ;;
  esac
done
for name in "$@"; do
  subject=$name
  work=$top/build/systems/$name
  mkdir -p "$work"
  "try_${name/c++/cxx}"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
