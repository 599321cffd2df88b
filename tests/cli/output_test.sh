#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Where an image is put: files that cannot be replaced, directories that are closed, names that are
# long, readers of the old file, a host without /proc.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

content raw 3000000
insitu-pack -q raw plain.img

# Readers keep the old file; a writer is in the way.
cp plain.img old.img
insitu-unpack -q old.img - | { sleep 0.5; cat >/dev/null; } &
run 0 insitu-pack -q raw old.img
wait
mkfifo release
flock_file() { python3 -c '
import fcntl, struct, sys
f = open(sys.argv[1], "r+b")
fcntl.fcntl(f, 37, struct.pack("hhqqi4x", int(sys.argv[2]), 0, 0, 0, 0))
open("held", "w"); open("release").read()' "$1" "$2" & wait_until [ -e held ]; rm -f held; }
flock_file old.img 0 # a reader
run 0 insitu-pack -q raw old.img
echo >release
wait
flock_file old.img 1 # a writer
run 1 insitu-pack -q raw old.img
says err "old.img: another program has it open"
echo >release
wait

# A name as long as a name may be.
name=$(printf 'n%.0s' $(seq 255))
run 0 insitu-pack -q raw "$name"
run 0 insitu-pack -q raw "$name"
check "it is there" cmp "$name" plain.img

# Nobody may read more of the image than of the source, and a replaced file keeps its own mode.
for mode in 600 640 400 444 644; do
  chmod $mode raw
  rm -f new.img
  (umask 022 && insitu-pack -q raw new.img)
  wanted=$(printf '%o' $((0$mode & 0644)))
  check "mode $mode" [ "$(stat -c %a new.img)" = "$wanted" ]
done
chmod 600 raw
insitu-pack -q - piped.img <raw
check "a redirected source" [ "$(stat -c %a piped.img)" = 600 ]
chmod 644 new.img
insitu-pack -q raw new.img
check "a replaced file keeps its mode" [ "$(stat -c %a new.img)" = 644 ]
chmod 644 raw

# "-" is a stream, or wrong usage, but never a file; ./- is one.
mkdir dash
cd dash || exit 1
cp ../plain.img i
cp ../plain.img ./-
while read -r command; do
  want=2
  case $command in insitu-fsck*) want=16 ;; esac
  # shellcheck disable=SC2086
  run $want $command
  says err ": - is no stream here: name a file, or ./- for a file of that name"
  silent out
done <<'END'
insitu-attach --config -
insitu-detach -
insitu-detach --config -
insitu-copy i -
insitu-copy - new
insitu-copy --delta - i i
insitu-copy i --apply -
insitu-copy --update i new --manifest - --target-manifest i
insitu-copy --update i new --manifest i --target-manifest -
insitu-pack i new --manifest -
insitu-pack i new --check-manifest -
insitu-pack --update i -
insitu-pack --update i new --target-manifest -
insitu-unpack - new
insitu-unpack i new --salvage --map -
insitu-unpack i new --manifest-size -
insitu-unpack i new --verify-manifest -
insitu-fsck -
insitu-fsck undo i -
insitu-fsck undo - i
insitu-fsck i undo -
insitu-fsck i -o -
insitu-fsck repair i --undo -
insitu-fsck i --html=-
insitu-fsck i --manifest -
insitu-fsck i --restore-meta -
insitu-stat -
insitu-stat i --html -
insitu-stat --can-activate - i
insitu-dump-meta -
insitu-label -
insitu-resize - 1M
insitu-trim -
insitu-trim i --unused -
END
check "nothing was made or changed" bash -c '[ "$(echo *)" = "- err i out" ] && cmp ./- i && cmp i ../plain.img'
run 0 insitu-copy ./- ./new
run 0 insitu-copy i ./-
run 0 insitu-stat ./-
run 0 insitu-label i -
cd ..

# A missing node is a missing device; other directories below /dev are places for files.
run 1 insitu-pack raw /dev/insitu-no-such-device
says err "/dev/insitu-no-such-device: there is no such device"
check "no file in its place" [ ! -e /dev/insitu-no-such-device ]
run 1 insitu-format --size 1M /dev/insitu-no-such-device

# A file beyond the limit of sizes is an error with a message, and nothing of it stays.
run 1 bash -c 'ulimit -f 100; exec insitu-pack raw limited.img'
says err "File too large"
check "nothing is left" [ ! -e limited.img ]

if [ "$(id -u)" -ne 0 ]; then exit; fi

# A directory that cannot be synced is an error: the name may not last.
run 1 strace -f -qq -o /dev/null -P "$PWD" -e trace=fsync -e inject=fsync:error=EIO \
  insitu-pack -q raw synced.img
says err "synced.img: is complete, but its name may not last"
run 0 strace -f -qq -o /dev/null -P "$PWD" -e trace=fsync -e inject=fsync:error=EINVAL \
  insitu-pack -q raw synced.img

# A single file that is mounted: an empty one is written in place, another one if that is asked for.
: >mounted
mount --bind mounted mounted
run 0 insitu-pack -q raw mounted
check "in place" cmp mounted plain.img
run 1 insitu-pack -q raw mounted
says err "cannot be replaced by a finished file: it is a mount point"
says err "hint: --in-place"
check "still there" cmp mounted plain.img
head -c 1000000 raw >smaller
run 0 insitu-pack -q --in-place --verify smaller mounted
insitu-unpack -q mounted back
check "a smaller image in its place" cmp -n 1000000 back smaller
run 0 insitu-pack -q --in-place raw mounted
check "a larger one" cmp mounted plain.img
# An interrupted one leaves no part of an image.
run 1 bash -c 'cat raw raw | insitu-pack -q --in-place --size 3000320 - mounted'
says err "holds no image now"
check "no part of an image" [ ! -s mounted ]
umount mounted

# A closed directory with a file in it that one may write.
mkdir -m 755 closed
: >closed/open
printf 'old' >closed/full
chmod 666 closed/*
chmod 711 "$work"
as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$(command -v "$1")" "${@:2}"; }
run 0 as_nobody insitu-pack -q "$work/raw" "$work/closed/open"
check "an empty file" cmp closed/open plain.img
run 1 as_nobody insitu-pack -q "$work/raw" "$work/closed/full"
says err "nothing can be created beside it: Permission denied"
check "untouched" [ "$(cat closed/full)" = old ]
run 0 as_nobody insitu-pack -q --in-place "$work/raw" "$work/closed/full"
check "in place" cmp closed/full plain.img
# Somebody else's file in a sticky directory is found out before the work.
mkdir -m 1777 sticky
printf 'old' >sticky/theirs
chmod 666 sticky/theirs
run 1 as_nobody insitu-pack -q "$work/raw" "$work/sticky/theirs"
says err "belongs to another user in a sticky directory"

# Without /proc a file gets its name all the same.
mkdir -p jail/bin jail/tmp
cp -L "$(command -v insitu-pack)" "$(command -v insitu-format)" jail/bin/
ldd "$(command -v insitu-pack)" | awk '/=>/ {print $3} /ld-linux/ {print $1}' | sort -u |
  while read -r library; do
    mkdir -p "jail$(dirname "$library")"
    cp -L "$library" "jail$library"
  done
cp raw jail/tmp/
run 0 chroot jail /bin/insitu-pack -q /tmp/raw /tmp/i.img
check "the same image" cmp jail/tmp/i.img plain.img
run 0 chroot jail /bin/insitu-pack -q /tmp/raw /tmp/i.img
run 0 chroot jail /bin/insitu-format -q --size 1M /tmp/f.img
check "nothing else is left" [ "$(find jail/tmp -type f | wc -l)" -eq 3 ]
run 1 bash -c 'cat raw raw | chroot jail /bin/insitu-pack -q --size 3000320 - /tmp/j.img'
check "nothing is left of a failure" [ "$(find jail/tmp -type f | wc -l)" -eq 3 ]
