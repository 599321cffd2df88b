#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck source=lib.sh
. "$INSITU_TESTS/cli/lib.sh"

content raw $((10 * 1048576 + 5000))
run 0 insitu-pack --json raw a.img
for key in source_bytes logical_bytes mapped_bytes unmapped_bytes payload_bytes payload_sectors \
  meta_bytes hole_bytes host_occupied_bytes ratio compressed_extents raw_extents mean_read_bytes \
  written_bytes seconds bytes_per_second device_bytes; do
  check "report has $key as a number" [ "$(jq -r ".$key | type" out)" = number ]
done
check "schema" [ "$(jq -r .schema out)" = insitu-pack/1 ]
check "exactly as many blocks as the source" [ "$(jq .logical_bytes out)" -eq 10493952 ]
check "source size" [ "$(jq .source_bytes out)" -eq 10490760 ]
check "status is the same without --json" insitu-pack raw a2.img
check "two runs, one image" cmp a.img a2.img
run 0 insitu-pack -j1 raw a3.img
check "threads make no difference" cmp a.img a3.img

# Each choice of codec and extent size gives the content back.
content small $((2 * 1048576 + 5000))
for alg in lzo deflate; do
  for level in fast default best 1 5 9; do
    for window in '' 2K 32K; do
      # A window is of deflate.
      [ $alg = deflate ] || [ -z "$window" ] || continue
      for extent in 4K 128K auto; do
        # shellcheck disable=SC2086
        run 0 insitu-pack --alg $alg --level $level ${window:+--window $window} --extent $extent \
          small b.img
        insitu-unpack b.img - | head -c 2102152 | cmp - small && pass ||
          fail "$alg $level $window $extent"
      done
    done
  done
done
rm b.img
for window in "--window 32K" "--window 2K --alg lzo" "--alg=LZO --window=32k"; do
  # shellcheck disable=SC2086
  run 2 insitu-pack $window small b.img
  says err "--window: is for deflate, the algorithm is lzo; add --alg deflate"
done
check "wrong usage leaves nothing behind" [ ! -e b.img ]
run 0 insitu-pack --window 32K --alg deflate small b.img
run 2 insitu-pack --alg zstd raw b.img
run 2 insitu-pack --extent 12K raw b.img
run 2 insitu-pack --level 10 raw b.img
run 2 insitu-pack --level 0 raw b.img
run 0 insitu-pack -v --level 7 small b.img
says out "lzo, level 7"
run 0 insitu-pack -v --level 3 small b.img
says out "lzo, default level"

# --verify, --dry-run
run 0 insitu-pack --verify raw c.img
says out ", verified"
rm c.img
run 0 insitu-pack --dry-run --json raw c.img
check "a dry run writes nothing" [ ! -e c.img ]
check "a dry run tells the sizes" [ "$(jq .payload_sectors out)" -gt 1000 ]

# --size
run 0 insitu-pack --size 64M raw d.img
run 0 insitu-stat --json d.img
check "room to grow" [ "$(jq .logical_bytes out)" -eq 67108864 ]
run 1 insitu-pack --size 1M raw e.img
says err "--size of 1048576 bytes is too small: raw has 10490760"
check "nothing is left behind" [ ! -e e.img ]

# Streams, of known and unknown size; a fifo by name.
run 0 bash -c 'insitu-pack - s.img <raw'
check "a stream packs to the same image" cmp s.img a.img
run 0 bash -c 'cat raw | insitu-pack --size 10490760 - s2.img'
check "with --size too" cmp s2.img a.img
mkfifo fifo
cat raw >fifo &
run 0 insitu-pack fifo s3.img
check "a fifo too" cmp s3.img a.img
run 1 bash -c 'cat raw raw | insitu-pack --size 10490760 - s4.img'
says err "standard input: byte"
says err "the stream continues after the"
check "nothing is left behind" [ ! -e s4.img ]
run 1 bash -c ': | insitu-pack - s5.img'
says err "standard input: the stream is empty"
run 1 bash -c ': | insitu-pack --allow-empty - s5.img'
says err "at least one block"
run 0 bash -c ': | insitu-pack --allow-empty --size 1M - s6.img'

# SOURCE = TARGET, by any name.
cp raw same
ln -s same link
ln same hard
for name in same link hard ./same; do
  run 1 insitu-pack same $name
  says err "is the same file or device as the source"
done
check "and it is untouched" cmp raw same

# Places that cannot be.
run 1 insitu-pack missing.raw x.img
says err "missing.raw: cannot open: No such file or directory"
run 1 insitu-pack . x.img
says err "is a directory"
run 1 insitu-pack raw .
says err "is a directory"
run 1 insitu-pack raw nowhere/x.img
says err "nowhere/x.img: cannot create: its directory does not exist"
run 1 insitu-pack raw /dev/null
says err "is not a regular file"
: >zero
run 1 insitu-pack zero x.img
says err "zero: has 0 bytes: an image needs at least one block"
check "nothing is left behind" [ ! -e x.img ]

# A target is replaced as a whole; a failed run leaves it as it was. Links are written through.
cp a.img old.img
before=$(sha old.img)
run 1 bash -c 'cat raw raw | insitu-pack --size 10490760 - old.img'
check "the old image is still there" [ "$(sha old.img)" = "$before" ]
ln -s old.img to-old
run 0 insitu-pack --alg deflate raw to-old
check "the link is still one" [ -L to-old ]
check "the file is new" [ "$(sha old.img)" != "$before" ]
check "no temporary files" [ -z "$(find . -name '.*partial*')" ]

# The one size that no device has: one block more, and a word about it.
truncate -s $((32767 * 4096)) odd
run 0 insitu-pack odd odd.img
says err "exactly 32767 data blocks; the image has 32768"

# Holes cost nothing: 16 TiB with a few pieces of data.
truncate -s 17588224000000 huge
for at in 0 1000000 4000000000; do
  dd if=raw of=huge bs=4096 seek=$at count=100 conv=notrunc status=none
done
run 0 /usr/bin/time -f '%M' -o rss insitu-pack --json huge huge.img
check "16 TiB: size" [ "$(jq .logical_bytes out)" -eq 17588224000000 ]
check "16 TiB: mapped" [ "$(jq .mapped_bytes out)" -eq $((300 * 4096)) ]
check "16 TiB: takes little space" [ "$(du -k huge.img | cut -f1)" -le 4096 ]
check "16 TiB: at most 64 MiB of memory" [ "$(tail -n1 rss)" -le 65536 ]
run 0 /usr/bin/time -f '%M' -o rss insitu-unpack --json huge.img huge2
check "16 TiB: at most 64 MiB of memory to unpack" [ "$(tail -n1 rss)" -le 65536 ]
for at in 0 1000000 4000000000; do
  cmp -n 409600 -i $((at * 4096)) huge huge2 && pass || fail "16 TiB: content at block $at"
done
check "16 TiB: unpacked sparse" [ "$(du -k huge2 | cut -f1)" -le 4096 ]
run 0 /usr/bin/time -f '%M' -o rss insitu-stat huge.img
check "16 TiB: at most 64 MiB of memory for stat" [ "$(tail -n1 rss)" -le 65536 ]
run 0 insitu-dump-meta huge.img
check "16 TiB: dump" [ "$(grep -vc '^#' out)" -gt 3 ]

# An interrupted run: exit status of the signal, nothing left behind.
for signal in INT TERM HUP; do
  env --default-signal=INT,HUP insitu-pack - stopped.img < <(cat raw; sleep 10) 2>err &
  pid=$!
  sleep 0.5
  kill -$signal $pid
  wait $pid
  status=$?
  want=$((128 + $(kill -l "$signal")))
  check "SIG$signal ends with $want, not $status" [ $status -eq "$want" ]
  check "nothing is left behind" [ ! -e stopped.img ]
done
check "no temporary files" [ -z "$(find . -name '.*partial*' -o -name '.spool*')" ]
