#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lint.sh: shellcheck over the scripts, clang-format over the sources, and a few rules of the tree:
# includes, links of docs and comments.
set -eu
cd "$(dirname "$0")/.."
git ls-files -z '*.sh' | xargs -0 shellcheck -x -P SCRIPTDIR -S warning
git ls-files -z '*.cpp' '*.hpp' '*.c' '*.h' | xargs -0 clang-format --dry-run -Werror
status=0
# What a merge left.
! git grep -nE '^(<<<<<<<|>>>>>>>) ' || status=1
# A file has one subject; a longer one has two.
git ls-files 'libinsitu/*.?pp' 'apps/*.?pp' | xargs wc -l | awk '$2 != "total" && $1 > 400 {
  print $2 " has " $1 " lines, at most 400 are allowed"; wrong = 1 } END { exit wrong }' || status=1
# So has a longer function.
mapfile -t sources < <(git ls-files 'libinsitu/*.?pp' 'apps/*.?pp')
tests/function_sizes.py "${sources[@]}" || status=1
long=$(mktemp)
{ printf 'int f(\n    int i) {\n'; yes '    ++i;' | head -n 58; printf '}\n'; } >"$long"
[ "$(tests/function_sizes.py "$long" | grep -c 'of 61 lines')" -eq 1 ] || { echo "function_sizes.py lets a long function pass"; status=1; }
rm -f "$long"
# Layers see those below them; a rule that lets everything pass would be of no use.
tests/include_rules.py libinsitu || status=1
wrong=$(mktemp -d)
mkdir -p "$wrong/src/format" "$wrong/src/ops"
echo '#include "insitu/store.hpp"' >"$wrong/src/format/up.cpp"
echo '#include "fsck/check.hpp"' >"$wrong/src/ops/sideways.hpp"
echo '#include "testing/fault_store.hpp"' >"$wrong/src/ops/testing.cpp"
[ "$(tests/include_rules.py "$wrong" | grep -c 'may not include')" -eq 3 ] ||
  { echo "include_rules.py lets a wrong include pass"; status=1; }
# Links and section references lead somewhere.
git ls-files | tests/doc_links.py . || status=1
mkdir "$wrong/docs"
cp docs/format.md "$wrong/docs"
cat >"$wrong/docs/wrong.md" <<'MARKDOWN'
# A title
[right](format.md#1-units), [the same](wrong.md#a-title), ([format](format.md) §2.1), `[code](x.md)`
[no file](missing.md)
[no heading](format.md#21-super-blocks)
[no section](format.md), §2.9
MARKDOWN
cat >"$wrong/src/wrong.cpp" <<'COMMENT'
// docs/format.md §5 is there, and so is docs/wrong.md.
// docs/missing.md is not.
// docs/format.md §5.3 is not.
// FORMAT §2 is no document of the tree.
COMMENT
[ "$(printf '%s\n' docs/wrong.md src/wrong.cpp | tests/doc_links.py "$wrong" | cut -d: -f1,2 | tr '\n' ' ')" = \
  "docs/wrong.md:3 docs/wrong.md:4 docs/wrong.md:5 src/wrong.cpp:2 src/wrong.cpp:3 src/wrong.cpp:4 " ] ||
  { echo "doc_links.py lets a wrong reference pass, or refuses a right one"; status=1; }
rm -rf "$wrong"
# A mistake that spoils nothing proves nothing.
tests/mistakes/run.sh --check || status=1
# Third-party packages stay in one place each.
only() { # only PATTERN FILES...: includes of PATTERN stand in FILES and nowhere else
  local pattern=$1 allowed=$2 found
  found=$(git grep -lE "#include <($pattern)" -- libinsitu apps | grep -vE "^($allowed)" || :)
  [ -z "$found" ] || { echo "<$pattern> is included by $found"; status=1; }
}
only 'CLI/|nlohmann/' 'apps/'
only 'lzo/' 'libinsitu/src/codec/(lzo|partial)[.]cpp'
only 'libdeflate|zlib' 'libinsitu/src/codec/(deflate|distance|partial)[.]cpp|apps/(mkfs/squashfs_codec|pack/crc32)[.]cpp'
only 'ext2fs|et/' 'apps/mkfs/ext_handle[.]hpp'
only 'archive|archive_entry' 'apps/mkfs/(tar_stream|squashfs_codec)[.]cpp'
only 'blkid/' 'libinsitu/src/store/signature.cpp'
only 'libnbd' 'libinsitu/src/store/nbd_library[.]hpp'
# Names that are not in every library: libc++ 14 has not these of std, Catch2 3 not that of Catch.
missing='std::(ranges::|views::|jthread|make_(unique|shared)_for_overwrite)|Catch::Contains'
[ "$(printf '%s\n' 'std::ranges::copy(a, b);' 'std::range(a);' 'Catch::Contains("a")' 'Catch::Matchers::Contains("a")' | grep -cE "$missing")" -eq 2 ] ||
  { echo "the rule about names of libraries lets one pass, or refuses a right one"; status=1; }
! git grep -nE "^[^/]*($missing)" -- '*.cpp' '*.hpp' || status=1
exit $status
