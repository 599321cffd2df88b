#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Memory: no tool takes more than the section MEMORY of its page says, "N MiB and M MiB a thread",
# whatever the size of the image and the damage in it.
# shellcheck source=lib.sh
. "${INSITU_TESTS:?}/everyday/lib.sh"
need_root
pages=$INSITU_TESTS/../docs/man

mkdir large # a file system that takes 16 TiB, however large the file system of /tmp is
mount -t tmpfs -o size=400M tmpfs large

memory_of() { sed '1,/^# MEMORY/d;/^# /,$d' "$pages/$1.8.scd" | tr '\n' ' '; }
# within STATUS EXTRA THREADS TOOL ARGUMENTS…: the page's figures hold, EXTRA MiB added.
within() {
    local wanted=$1 extra=$2 threads=$3 status=0 fixed each limit peak
    shift 3
    fixed=$(memory_of "$1" | sed -nE 's/^ *At most ([0-9]+) MiB.*/\1/p')
    each=$(memory_of "$1" | sed -nE 's/^ *At most [0-9]+ MiB and ([0-9]+) MiB a thread.*/\1/p')
    [ -n "$fixed" ] || fail "$1(8) does not say how much memory it takes"
    limit=$((fixed + ${each:-0} * threads + extra))
    [ "$1" = insitu-stat ] || [ "$1" = insitu-format ] || set -- "$@" -j "$threads"
    command time -q -f %M -o peak "$@" >/dev/null 2>err || status=$?
    [ "$status" = "$wanted" ] || fail "$* ended with $status: $(tail -n 3 err)"
    peak=$(cat peak)
    [ "$peak" -le $((limit * 1024)) ] || fail "$* took $peak KiB, its page says $limit MiB"
    printf '%6d KiB of %3d MiB  %s\n' "$peak" "$limit" "$*"
}
# further TOOL PATTERN: the figure in another sentence of the page.
further() {
    local figure
    figure=$(memory_of "$1" | sed -nE "s/.*$2.*/\1/p")
    [ -n "$figure" ] || fail "$1(8) does not say '$2'"
    echo "$figure"
}
salvage_mib=$(further insitu-unpack '\*--salvage\* takes up to ([0-9]+) MiB')
tight_mib=$(further insitu-pack '\*--level\* 6 to 9 it is ([0-9]+) MiB a thread')
ordinary_mib=$(further insitu-pack 'and ([0-9]+) MiB a thread, whatever')
verify_bytes=$(further insitu-pack '\*--verify\* takes ([0-9]+) bytes')

# 16 TiB, of which the ends hold text, programs, noise and zeros; and the content alone.
for _ in 1 2 3 4 5 6; do make_raw part && cat part; done | head -c 40M >real
truncate -s 16T large/raw
dd if=real of=large/raw bs=1M conv=notrunc status=none
dd if=real of=large/raw bs=1M seek=$(((16 << 20) - 40)) conv=notrunc status=none

within 0 0 1 insitu-format --size 16T large/empty
rm large/empty
for threads in 1 4 16; do
    within 0 0 $threads insitu-pack large/raw large/image
    within 0 0 $threads insitu-unpack large/image large/back
    rm large/back
    within 0 0 $threads insitu-fsck -n large/image
    within 0 0 $threads insitu-dump-meta --hash large/image
done
within 0 $((verify_bytes * (16 << 13) >> 20)) 4 insitu-pack --verify --alg deflate large/raw large/image
within 0 0 1 insitu-stat large/image
rm large/*

# A real one, as file and as device.
within 0 0 4 insitu-pack --manifest manifest.json real image
within 0 0 4 insitu-unpack --verify-manifest manifest.json image back
within 0 0 4 insitu-fsck -n --manifest manifest.json image
head -c 4M real >some
for codec in lzo deflate "deflate --window 32K"; do
    # shellcheck disable=SC2086
    within 0 $((4 * (tight_mib - ordinary_mib))) 4 \
        insitu-pack --alg $codec --level 9 --extent 128K some other
done
truncate -s 44M device
attach device
within 0 0 4 insitu-pack real "$loop"
within 0 0 4 insitu-fsck -n "$loop"
within 0 0 4 insitu-unpack "$loop" back
within 0 0 4 insitu-dump-meta --hash "$loop"
within 0 0 1 insitu-stat "$loop"
mkdir tree && cp "$(command -v bash)" tree/
within 0 0 4 insitu-mkfs -t ext2 -d tree other
within 0 0 4 insitu-crashtest --states 50

# Meta that is nothing but damage, a quarter of a million findings.
insitu-format -q --size 2G noise
dd if=/dev/urandom of=noise bs=4096 seek=1 count=80 conv=notrunc status=none
within 4 0 4 insitu-fsck -n noise
within 4 0 4 insitu-fsck -n --json noise
within 0 0 4 insitu-dump-meta --json noise
within 1 $salvage_mib 4 insitu-unpack --salvage noise back
within 0 0 1 insitu-stat noise
