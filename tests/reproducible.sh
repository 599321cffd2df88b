#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# reproducible.sh quick|full: another directory gives the same bytes.
#   quick  compiles some files of the library again, and compares with the objects of $INSITU_BUILD,
#          which the preset "release" has made
#   full   builds everything twice, makes the packages of both, and compares these (minutes)
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d "${TMPDIR:-/var/tmp}/insitu-reproducible.XXXXXX")
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }
export SOURCE_DATE_EPOCH=1700000000

copy() { # DIR: the tree, as it stands, without what was built
  mkdir -p "$1"
  tar -C "$source" --exclude=./build --exclude=./.git -cf - . | tar -C "$1" -xf -
}
build() { # DIR TARGETS…: the tree in DIR, in DIR/build/release
  local tree=$1
  shift
  (cd "$tree" && cmake --preset release -DINSITU_BUILD_TESTS=OFF &&
    cmake --build build/release --target "$@") >"$work/log" 2>&1 || fail "$(tail "$work/log")"
}

case ${1:-} in
  quick)
    objects=(libinsitu/CMakeFiles/insitu_format.dir/Unity/unity_0_cxx.cxx.o
      libinsitu/CMakeFiles/insitu_codec.dir/src/codec/lzo.cpp.o
      libinsitu/CMakeFiles/insitu_store.dir/Unity/unity_1_cxx.cxx.o)
    copy "$work/a/deeper/place"
    build "$work/a/deeper/place" "${objects[@]}"
    for object in "${objects[@]}"; do
      cmp "$work/a/deeper/place/build/release/$object" "$INSITU_BUILD/$object" ||
        fail "$object depends on where it was built"
    done
    ;;
  full)
    for tree in "$work/one" "$work/two/deeper"; do
      copy "$tree"
      build "$tree" all
      (cd "$tree/build/release" && cpack) >"$work/log" 2>&1 || fail "$(tail "$work/log")"
    done
    for deb in "$work"/one/build/release/*.deb; do
      cmp "$deb" "$work/two/deeper/build/release/${deb##*/}" ||
        fail "${deb##*/} depends on where it was built"
    done
    echo "two builds, the same packages: $(cd "$work/one/build/release" && sha256sum ./*.deb)"
    ;;
  *)
    echo "usage: $0 quick|full" >&2
    exit 2
    ;;
esac
