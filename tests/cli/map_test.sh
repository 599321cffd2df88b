#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Pictures of a device: in the terminal, and as a page.
# shellcheck source=lib.sh
. "$INSITU_TESTS/cli/lib.sh"

content raw 20000000
run 0 insitu-pack -q raw image
unset COLUMNS NO_COLOR LC_ALL LC_CTYPE
export LANG=C.UTF-8 TERM=xterm

# In the terminal.
run 0 insitu-stat --map image
check "it shows what is unmapped and what is raw" grep -qE '·+.*R+' out
check "at most 80 columns" python3 -c 'print(max(map(len, open("out", encoding="utf-8"))) <= 81 or exit(1))'
for columns in 20 33 100 399 5 0 nonsense 100000; do
  COLUMNS=$columns run 0 insitu-stat --map image
  width=$columns
  case $columns in 5) width=20 ;; 0 | nonsense) width=80 ;; 100000) width=400 ;; esac
  check "COLUMNS=$columns" python3 - "$width" <<'PYTHON'
import re, sys
# The legend has its own length.
rows = [line.rstrip("\n") for line in open("out", encoding="utf-8") if re.match(" +[0-9.]+ [KMGTPi]*B ", line)]
assert rows and max(map(len, rows)) == min(int(sys.argv[1]), max(map(len, rows)))
assert max(map(len, rows)) > int(sys.argv[1]) // 2 or int(sys.argv[1]) > 80
PYTHON
done
for variables in LANG=C LC_ALL=C "LC_CTYPE=POSIX LC_ALL=" LANG=; do
  # shellcheck disable=SC2086 # several
  run 0 env $variables insitu-stat --map image
  check "$variables: ASCII" sh -c '! LC_ALL=C grep -q "[^ -~]" out'
done
terminal() { # terminal VARIABLES...: what is printed to a terminal
  script -qec "env $* insitu-stat --map image" /dev/null >shown </dev/null
}
if command -v script >/dev/null; then
  terminal TERM=xterm
  check "colours on a terminal" grep -q $'\x1b\[' shown
  for variables in NO_COLOR=1 TERM=dumb TERM=; do
    terminal "$variables"
    check "$variables: no colours" bash -c "! grep -q $'\\x1b' shown && grep -q R shown"
  done
fi
check "nor into a pipe" bash -c "! insitu-stat --map image | grep -q $'\\x1b'"
cp image broken
printf '\xff\xff' | dd of=broken bs=1 seek=4100 conv=notrunc status=none
run 0 insitu-stat --map broken
says out "meta that makes no sense"
check "damage is in the picture" grep -q 'B .*!' out
run 0 insitu-stat -q --map image
silent out
silent err

# As a page: one file, whose figures are those of the report.
run 0 insitu-stat --json --html page.html image
cat >read.py <<'PYTHON'
import json, re, sys
html = open(sys.argv[1], encoding="utf-8").read()
text = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)
data = json.loads(text.group(1))
sums = [sum(column) for column in zip(*data["regions"])]
print(json.dumps({"report": data["report"], "findings": data["findings"], "blocks": sums[0],
                  "mapped": sums[1], "sectors": sums[2], "compressed": sums[4], "raw": sums[5],
                  "faulty": sums[6], "bytes": len(html), "regions": len(data["regions"])}))
assert not re.search(r'(src|href)=|url\(|https?:', html), "the page asks for something else"
PYTHON
figures() { python3 read.py "$1" >figures; }
check "the page can be read" figures page.html
check "its figures are those of the report" jq -es '.[0].report == (.[1] | del(.schema))' figures out
check "the map adds up" jq -es '.[0] as $page | .[1] | .data_blocks == $page.blocks
  and .payload_sectors == $page.sectors and .mapped_bytes == $page.mapped * 4096
  and .compressed_extents == $page.compressed and .raw_extents == $page.raw' figures out

# Findings and the plan.
run 4 insitu-fsck --json --html found.html broken
check "found.html can be read" figures found.html
check "the findings are on the map" jq -es '(.[0].findings | length) > 0
  and .[0].findings[0].id == .[1].findings[0].id
  and .[0].findings[0].block == .[1].findings[0].first_block and .[0].faulty > 0' figures out
run 4 insitu-fsck repair --dry-run --html plan.html broken
check "planned repairs are listed" grep -q "Planned repairs" plan.html
check "nothing was changed" cmp -s <(head -c 8192 broken | tail -c 4096) <(cp broken x && head -c 8192 x | tail -c 4096)

# From a liar: the name of an image is text, also in a page.
mkdir '<script>alert(1)<' 2>/dev/null
name='<script>alert(1)</script>"&.img'
cp image "$name"
run 0 insitu-stat --html evil.html "$name"
check "a name is no markup" sh -c "! grep -q 'alert(1)</script>' evil.html"
check "evil.html can be read" figures evil.html
# Not a page over the image, and none that is half there.
before=$(sha image)
run 1 insitu-stat --html image image
run 8 insitu-fsck --html image image
check "the image is no page" test "$(sha image)" = "$before"
run 1 insitu-stat --html missing/page.html image
# What is no page is not replaced, as when the shell makes "--html *.img" of two images.
cp image second
run 1 insitu-stat --html second image
says err "second: is there already, and is not a page"
printf '<!DOCTYPE html>\n<title>My thesis</title>' >thesis.html
run 1 insitu-stat --html thesis.html image
run 8 insitu-fsck repair --html thesis.html image
check "a page of somebody else stays" grep -q thesis thesis.html
mkfifo fifo
run 1 timeout 20 insitu-stat --html fifo image
says err "fifo: is not a regular file"
run 8 timeout 20 insitu-fsck --html fifo image
insitu-stat --html /dev/stdout image 2>err | cat >out
says err "is not a regular file"
insitu-stat --html /dev/stdout image >out 2>err
says err "/dev/stdout: is where the report goes"
# What cannot be written is heard at once, and what is full loses no report.
run 8 insitu-fsck --html missing/page.html broken
silent out
if [ "$(id -u)" -eq 0 ]; then
  mkdir mnt
  mount -t tmpfs -o size=8k tmpfs mnt
  run 12 insitu-fsck --json --html mnt/page.html broken
  check "the report is whole" jq -e '.exit_status == 12 and (.findings | length) > 0' out
  says err "page.html"
  run 12 insitu-fsck repair --dry-run --json --html mnt/page.html broken
  check "so is that of a repair" jq -e '.exit_status == 12' out
  run 1 insitu-stat --json --html mnt/page.html image
  check "and that of stat" jq -e .mapped_bytes out
  check "nothing is left" [ -z "$(ls -A mnt)" ]
  umount mnt
fi
run 8 insitu-fsck --html second image
check "it is as it was" cmp -s second image
run 0 insitu-stat --html page.html image
: >empty.html
run 0 insitu-stat --html empty.html image
for other in --table --map --live; do
  run 2 insitu-stat --html other.html $other image
done
check "a locale's name in any case" cmp -s <(LC_ALL=C.Utf-8 insitu-stat --map image) <(LC_ALL=C.UTF-8 insitu-stat --map image)
for columns in -5 4294967297 abc 80x; do
  check "COLUMNS=$columns" cmp -s <(COLUMNS=$columns insitu-stat --map image) <(COLUMNS=80 insitu-stat --map image)
done
head -c 4096 /dev/zero >zeros
run 4 insitu-fsck --html none.html zeros
check "no map without a super block" sh -c "grep -q S05 none.html && ! grep -q gridcell none.html"

# A page over what the same command has just made.
cp broken broken2
run 9 insitu-fsck repair -y -q -o both --html both broken2
check "the repaired copy is there" insitu-fsck check -q --meta-only both
run 9 insitu-fsck repair -y -q --undo both.log --html both.log broken2
run 0 insitu-fsck undo -q broken2 both.log
check "the repair can be undone" cmp broken broken2

# Any size.
truncate -s 8T large
run 0 insitu-format -q --force large
run 0 insitu-stat --map large
run 0 insitu-stat --json --html large.html large
check "large.html can be read" figures large.html
check "at most 2 MiB of 8 TiB" jq -e '.bytes < 2097152 and .regions <= 4096' figures
check "all of it" jq -es '.[0].blocks == .[1].data_blocks' figures out

# In a browser, if there is one.
if command -v chromium >/dev/null; then
  timeout 60 chromium --headless --no-sandbox --disable-gpu --dump-dom "file://$PWD/found.html" >dom 2>/dev/null
  check "the browser draws the map" test "$(grep -o 'role="gridcell"' dom | wc -l)" -gt 100
  check "with what was found" grep -q 'class="[a-z0-9]* found"' dom
fi
