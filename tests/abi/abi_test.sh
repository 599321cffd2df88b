#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The symbols that libinsitu exports are those of the checked-in list; `abi_test.sh --update` rewrites
# it. A symbol that goes or changes breaks programs: see docs/architecture.md before you accept that.
set -eu
library=$INSITU_BUILD/libinsitu/libinsitu.so.0
list=$INSITU_TESTS/abi/symbols.txt
found=$(mktemp)
trap 'rm -f "$found"' EXIT
nm -D --defined-only "$library" | awk '$2 != "A" {sub("@.*", "", $3); print $3}' | c++filt |
  LC_ALL=C sort -u >"$found"
if [ "${1:-}" = --update ]; then
  cp "$found" "$list"
  exit 0
fi
if ! diff -u "$list" "$found"; then
  echo "the exported symbols differ from $list" >&2
  exit 1
fi
if grep -v -e 'insitu::' -e '^insitu_[a-z_]*$' "$found"; then
  echo "symbols of others leave the library" >&2
  exit 1
fi
echo "$(wc -l <"$list") symbols, as listed"
