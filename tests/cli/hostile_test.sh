#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What users get wrong, and what gets in the way: sources and targets that are none, closed
# descriptors, bad values, work that is stopped.
# shellcheck source=lib.sh
. "$INSITU_TESTS/cli/lib.sh"

content raw 1048576
run 0 insitu-pack raw a.img

# A closed stdout, stdin or stderr must not become the image that is written.
insitu-pack raw closed.img >&- 2>err
check "a closed stdout is a failure" [ $? -eq 1 ]
says err "standard output: cannot write: Bad file descriptor"
check "and the image is whole" cmp closed.img a.img
insitu-pack raw closed.img <&- >&- 2>&-
check "with all three closed, too" cmp closed.img a.img
insitu-unpack a.img closed.raw >&- 2>err
check "an unpacked file is whole as well" cmp closed.raw raw
run 1 bash -c 'insitu-unpack a.img - >&-'
says err "standard output: cannot write: Bad file descriptor"
run 1 bash -c 'insitu-pack - none.img <&-'
says err "standard input: cannot read: Bad file descriptor"
check "no image of it" [ ! -e none.img ]

# Sources of odd sizes come back padded to a block.
for bytes in 1 4095 4096 4097; do
  head -c $bytes raw >odd
  run 0 insitu-pack --json odd odd.img
  check "$bytes bytes: source" [ "$(jq .source_bytes out)" -eq $bytes ]
  run 0 insitu-unpack odd.img back
  check "$bytes bytes: size" [ "$(stat -c %s back)" -eq $(((bytes + 4095) / 4096 * 4096)) ]
  check "$bytes bytes: content" cmp back <(cat odd && head -c $((($(stat -c %s back) - bytes))) /dev/zero)
done

# Sources that are none, or without end.
for device in /dev/zero /dev/urandom /dev/full; do
  run 1 timeout 20 insitu-pack $device x.img
  says err "$device: is endless"
  says err "hint: head -c SIZE"
done
run 1 timeout 20 bash -c 'insitu-pack --size 1M - x.img </dev/zero'
says err "standard input: is endless"
run 1 insitu-pack /dev/null x.img
says err "/dev/null: the stream is empty"
run 1 insitu-pack --size 0 raw x.img
says err "x.img: --size of 0 bytes is too small"
run 1 bash -c 'insitu-pack - raw <raw'
says err "raw: is the same file or device as the source"
run 1 insitu-pack '' x.img
run 2 insitu-pack raw ''
says err "TARGET: needs a value, and '' is none"
check "no image of any of them" [ ! -e x.img ]

# Values that make no sense are wrong usage, and are named.
while IFS='|' read -r command text; do
  # shellcheck disable=SC2086
  run 2 $command
  says err "$text"
  silent out
done <<'END'
insitu-pack --size -1 raw x.img|'-1' is not a size
insitu-pack --size 1.5G raw x.img|'1.5G' is not a size
insitu-pack --size 16E raw x.img|'16E' is too large
insitu-pack --extent 5K raw x.img|'5K' is not one of auto, 4K, 8K, 16K, 32K, 64K, 128K
insitu-pack --level 11 raw x.img|'11' is not one of fast, default, best
insitu-pack --alg deflate --window 64K raw x.img|'64K' is not one of 2K, 32K
insitu-pack -j many raw x.img|-j: 'many' is not a number from 0 to 1024
insitu-pack --threads=-3 raw x.img|--threads: '-3' is not
insitu-pack raw --bogus x.img -j 2 more|unknown option: --bogus
insitu-pack --bogus|unknown option: --bogus
insitu-pack raw x.img one two|unexpected argument: one two
insitu-pack -j 1025 raw x.img|-j: '1025'
insitu-pack --progress=sometimes raw x.img|'sometimes' is not one of auto, always, never, json
insitu-pack --dry-run --manifest m raw x.img|--manifest
insitu-unpack --offset x a.img y|'x' is not a size
insitu-unpack --length 1Q a.img y|'1Q' is not a size
insitu-unpack --verify-manifest m --salvage a.img y|--salvage
insitu-stat --commit-delay 0 a.img|--commit-delay: '0' is not a number from 1 to 86400
insitu-unpack --salvage=foo a.img y|--salvage: 'foo' is not one of prefix, strict
insitu-pack --from tar raw x.img|--from: 'tar' is not one of
insitu-stat --commit-delay a.img|--commit-delay
insitu-dump-meta --range 9-3 a.img|'9-3' is not a range of blocks
insitu-dump-meta --hash --meta-only a.img|--meta-only
insitu-format --alg zstd --size 1M x.img|'zstd' is not one of lzo, deflate
insitu-format --size|--size needs a value
insitu-format --progress=often --size 1M x.img|'often' is not one of auto, always, never, json
END
check "nothing is left behind" [ ! -e x.img ] && check "nothing is left behind" [ ! -e y ]

# An image that ends in its meta, and one that ends in its data, read by its counts.
content large 20971520
run 0 insitu-pack --extent 128K large large.img
head -c 6000 large.img >cut.img
run 1 insitu-stat --ignore-size cut.img
says err "cut.img: byte 6000: file ends here"
head -c 15000000 large.img >cut.img
run 1 insitu-unpack --ignore-size cut.img x
says err "cut.img: window "
says err "cannot be read: the file ends before"
check "nothing is left behind" [ ! -e x ]
run 1 insitu-unpack --ignore-size --salvage --json cut.img x
check "what is there is salvaged" cmp -n 14000000 x large
check "of full size" [ "$(stat -c %s x)" -eq 20971520 ]

# Waiting ends with SIGTERM: for the reader of a pipe, the writer of one, and the other end of each.
stops() { # stops TEXT COMMAND...: the command waits until SIGTERM, then ends with 143
  local text=$1 pid
  shift
  "$@" 2>err &
  pid=$!
  wait_until waits "$pid" TERM
  sleep 0.2
  kill -TERM $pid
  timeout 20 tail --pid=$pid -f /dev/null || { fail "$text: still waits"; kill -KILL $pid; }
  wait $pid
  check "$text: status of SIGTERM" [ $? -eq 143 ]
}
mkfifo fifo
exec 7<>fifo
stops "nobody reads" insitu-unpack large.img fifo
stops "nobody reads stdout" insitu-unpack large.img - >&7
exec 7<&- 7<>fifo
stops "nobody writes" insitu-pack fifo x.img
exec 7<&-
stops "no reader at all" insitu-unpack large.img fifo
stops "no writer at all" insitu-pack fifo x.img
rm -f x
check "nothing is left behind" [ -z "$(find . -name 'x*' -o -name '.*partial*' -o -name '.spool*')" ]

# -q and -v
run 0 insitu-stat -q a.img
silent out
run 0 insitu-stat -q --table a.img
check "a table line is data" [ -s out ]
run 0 insitu-stat -v a.img
says out "data from byte 8192 on"
run 0 insitu-stat a.img
says out "whole 4 KiB blocks that punching can free"
run 0 insitu-pack -v --alg deflate --extent 64K -j3 raw v.img
says out "codec       deflate, default level, window of 2K"
says out "extent size 64K at most"
says out "threads     3"
run 0 insitu-format -v --size 1M --force v.img
says out "table       0 2032 insitu_comp v.img writeback 5"
run 0 insitu-dump-meta -v a.img
says err "mapped blocks; meta without sense in 0 windows"
insitu-unpack -v a.img - 2>err | cmp - raw && pass || fail "-v does not get into the data"
says err "a.img: lzo image of 1.0 MiB (256 blocks); 1048576 bytes given, 1048576 of them written"

# The name of a file is somebody's, too: no message lets it at the terminal.
escape=$'e\e[31mred'
head -c 8192 /dev/urandom >"$escape"
for tool in insitu-stat insitu-fsck insitu-unpack insitu-dump-meta insitu-copy; do
  case $tool in insitu-unpack | insitu-copy) to=(out.raw) ;; *) to=() ;; esac
  "$tool" "$escape" "${to[@]}" >out 2>err
  check "$tool names the file" grep -qF 'e\x1b[31mred' out err
  check "$tool prints no escape" bash -c "! grep -q $'\\x1b' out err"
done

# Nor does a report; and JSON stays JSON, also where a name is no UTF-8.
reports_of() { # reports_of NAME SHOWN: what the tools print of a file of that name
  while read -r command; do
    read -ra words <<<"$command"
    words=("${words[@]/NEW/$1.new}")
    words=("${words[@]/IMAGE/$1}")
    for json in '' --json; do
      cp a.img "$1"
      rm -f "$1.new"
      run 0 "${words[@]}" $json
      if [ -n "$json" ]; then
        check "$command: JSON without control characters" bash -c "! grep -qaP '[\x7f]|\xc2[\x80-\x9f]' out"
        check "$command: JSON" python3 -c 'import json, sys; json.load(sys.stdin)' <out
      else
        says out "$2"
        check "$command: nothing but printable characters" bash -c "! grep -qaP '[^ -~]' out err"
      fi
    done
  done <<'END'
insitu-stat --can-activate IMAGE IMAGE
insitu-fsck IMAGE
insitu-fsck repair -y IMAGE
insitu-unpack IMAGE NEW
insitu-dump-meta IMAGE
insitu-copy IMAGE NEW
insitu-copy --delta NEW IMAGE a.img
insitu-copy --update a.img IMAGE
insitu-trim --unused unused IMAGE
insitu-resize IMAGE 2M
insitu-format --size 1M NEW
END
}
printf '0 8192\n' >unused
reports_of $'e\e[31mred' 'e\x1b[31mred'
reports_of $'e\xc2\x9b31mred' 'e\xc2\x9b31mred'
reports_of $'e\x7fred' 'e\x7fred'
reports_of $'bad\xff.img' 'bad\xff.img'
cp a.img $'e\x7f\xc2\x9bred'
run 0 insitu-stat --json $'e\x7f\xc2\x9bred'
says out 'e\u007f\u009bred'
check "the name as it is" [ "$(jq -r .image out)" = $'e\x7f\xc2\x9bred' ]
run 0 insitu-stat --json $'bad\xff.img'
check "the name, escaped" [ "$(jq -r .image out)" = 'bad\xff.img' ]
