#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What leaves libinsitu is what is checked in: the names of its symbols (symbols.txt), and the types
# behind them, as abidw(1) sees them in the headers (face.abi.xz). `abi_test.sh --update` rewrites
# both. What goes or changes breaks programs: see docs/architecture.md before you accept that.
set -eu
library=$INSITU_BUILD/libinsitu/libinsitu.so.0
include=$INSITU_TESTS/../libinsitu/include
here=$INSITU_TESTS/abi
most_symbols=129
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

die() {
  echo "$*" >&2
  exit 1
}

# types INCLUDE FILE: the types of the headers in a directory. A program may derive from classes, so
# the debug information of a class does not wait for its virtual functions.
types() {
  grep -oh 'insitu_[a-z_]*(' "$1/insitu.h" "$1/insitu/images.h" | LC_ALL=C sort -u |
    sed 's/(/)/; s/^/FUNCTION(/' >c_face.inc
  c++ -std=c++20 -g -O0 -femit-class-debug-always -fPIC -shared -I. -I"$1" "$here/face.cpp" -o face.so
  abidw --no-corpus-path --no-comp-dir-path --no-show-locs --type-id-style hash face.so |
    sed "s| path='[^']*'||" >"$2"
}

nm -D --defined-only "$library" | awk '$2 != "A" {sub("@.*", "", $3); print $3}' | c++filt |
  LC_ALL=C sort -u >symbols
command -v abidw >/dev/null || die "abidw is missing: it is in the package abigail-tools"
types "$include" face.abi
if [ "${1:-}" = --update ]; then
  cp symbols "$here/symbols.txt"
  xz -9c face.abi >"$here/face.abi.xz"
  exit 0
fi
diff -u "$here/symbols.txt" symbols || die "the exported symbols differ from symbols.txt"
if grep -v -e 'insitu::' -e '^insitu_[a-z_]*$' symbols; then
  die "symbols of others leave the library"
fi
[ "$(wc -l <symbols)" -le $most_symbols ] || die "more than $most_symbols symbols leave the library"

xz -dc "$here/face.abi.xz" >known.abi
abidiff known.abi face.abi || die "types of the headers differ from face.abi.xz"

# A comparison that lets everything pass would be of no use.
mistake() { # mistake HEADER SED: a change of a header is seen
  rm -rf changed
  cp -r "$include" changed
  sed -i "$2" "changed/$1"
  ! cmp -s "changed/$1" "$include/$1" || die "nothing to change in $1: $2"
  types changed changed.abi
  if abidiff known.abi changed.abi >/dev/null; then die "abidiff does not see this change of $1: $2"; fi
}
mistake insitu.h 's/    uint32_t threads; /    uint64_t threads; /'
mistake insitu/images.h 's/insitu_resize(const char\* path,/insitu_resize(/'
mistake insitu/store.hpp 's/virtual void sync() = 0;/virtual void sync() = 0; virtual void more();/'
mistake insitu/internal/window/extent_policy.hpp 's/    unsigned blocks = 0;/    unsigned long blocks = 0;/'
echo "$(wc -l <symbols) symbols and the types behind them, as listed"
