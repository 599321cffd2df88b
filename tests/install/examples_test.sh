#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The programs of docs/examples, built against an installation and nothing else, are right in C++, C
# and Python; and what docs/library.md calls a mistake does not compile.
# shellcheck source=../cli/lib.sh
. "$INSITU_TESTS/cli/lib.sh"

examples=$INSITU_TESTS/../docs/examples
for component in lib dev python; do
  run 0 cmake --install "$INSITU_BUILD" --prefix "$work/usr" --component $component
done
libdir=$(dirname "$(find usr -name 'libinsitu.so.0' | head -n1)")
export LD_LIBRARY_PATH=$libdir PKG_CONFIG_PATH=$libdir/pkgconfig
export PYTHONPATH=$work/usr/lib/python3/dist-packages PYTHONDONTWRITEBYTECODE=1
read -ra flags < <(pkg-config --cflags --libs insitu)

mkdir cpp c
for source in "$examples"/*.cpp; do
  run 0 c++ -std=c++20 -Wall -Wextra -Wpedantic -Werror "$source" "${flags[@]}" \
    -o "cpp/$(basename "$source" .cpp)"
done
for source in "$examples"/*.c; do
  run 0 cc -std=c11 -Wall -Wextra -Wpedantic -Werror "$source" "${flags[@]}" -o "c/$(basename "$source" .c)"
done
for name in read_range pack check serve extents; do
  for language in cpp c py; do
    check "$name.$language is an example, and in docs/library.md" \
      grep -q "examples/$name\.$language" "$INSITU_TESTS/../docs/library.md"
  done
done

content raw 1300000
head -c 700000 /dev/zero >>raw
size=$(stat -c %s raw)
insitu-format -q --size 4M empty.img
for language in cpp c py; do
  example() { # NAME ARGUMENTS…
    local name=$1
    shift
    case $language in
      py) /usr/bin/python3 "$examples/$name.py" "$@" ;;
      *) "$language/$name" "$@" ;;
    esac
  }
  run 0 example pack raw $language.img
  check "$language: packs as the tool does" sh -c "insitu-pack -q --force raw tool.img && cmp tool.img $language.img"
  run 0 example read_range $language.img 4097 100000
  check "$language: reads a range" cmp out <(tail -c +4098 raw | head -c 100000)
  run 1 example read_range $language.img "$size" 999999999
  says err "reaches beyond the end"
  run 0 example check $language.img
  silent out
  cp $language.img damaged.img
  printf '\377\377\377' | dd of=damaged.img bs=1 seek=4096 conv=notrunc status=none
  run 4 example check damaged.img
  says out "M0"
  cp empty.img live.img
  run 0 example serve live.img "hello, $language"
  says out "hello, $language"
  check "$language: is kept" cmp -n 8 <(insitu-unpack -q live.img -) <(printf 'hello, %s' $language)
  run 0 insitu-fsck live.img
  run 0 example extents $language.img
  insitu-stat --json $language.img >stat.json
  check "$language: lists all extents" test "$(awk '{ bytes += $2 } END { print bytes }' out)" \
    = "$(jq .mapped_bytes stat.json)"
  run 1 example check missing.img
  says err missing.img
done
check "the three list the same" sh -c "cpp/extents c.img >1 && c/extents c.img >2 && cmp 1 2"

misuse=$INSITU_TESTS/install/misuse.cpp
compile=(c++ -std=c++20 -fsyntax-only -Wno-unused -Werror=unused-result "${flags[@]}" "$misuse")
run 0 "${compile[@]}"
run 1 "${compile[@]}" -DMISTAKES
check "every mistake is an error, and nothing else is" diff \
  <(grep -n '// mistake$' "$misuse" | cut -d: -f1) \
  <(sed -n 's/.*misuse.cpp:\([0-9]*\):[0-9]*: error:.*/\1/p' err | sort -nu)
