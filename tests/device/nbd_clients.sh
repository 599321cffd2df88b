#!/bin/bash
# The live device under clients as they are: qemu-io, qemu-img, nbdcopy, fio, a file system, kill -9.
# Parts whose programs or rights are missing are told and left out; exit 77: nothing can be run.
set -eu
plugin=$INSITU_BUILD/apps/nbdkit/nbdkit-insitu-plugin.so
export PATH=$INSITU_TOOLS:$PATH
if ! command -v nbdkit >/dev/null || [ ! -f "$plugin" ]; then
    echo "no nbdkit or no plugin"
    exit 77
fi

work=$(mktemp -d)
server=
fuse=
filter=
cleanup() {
    [ -z "$fuse" ] || fusermount3 -u "$work/mnt" 2>/dev/null || umount "$work/mnt" 2>/dev/null || true
    [ -z "$server" ] || kill -9 "$server" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
cd "$work"
socket=$work/socket
uri="nbd+unix:///?socket=$socket"

have() { command -v "$1" >/dev/null || { echo "left out: $1 is not installed"; return 1; }; }
fail() { echo "FAILED: $*" >&2; exit 1; }

serve() {
    rm -f "$socket" pid
    nbdkit -f -U "$socket" -P pid $filter "$plugin" "$@" 2>server.log &
    server=$!
    for _ in $(seq 100); do
        [ -s pid ] && return
        kill -0 $server 2>/dev/null || { cat server.log; fail "nbdkit $*"; }
        sleep 0.05
    done
    fail "nbdkit does not start"
}
stop() {
    kill -TERM "$server"
    wait "$server" || { cat server.log; fail "nbdkit ended with an error"; }
    server=
}
kill_hard() {
    kill -9 "$server"
    wait "$server" 2>/dev/null || true
    server=
}
# A clean image: no intent, meta that makes sense, decodes as a whole.
check_image() {
    cmp -s <(head -c 1536 "$1" | tail -c 1024) <(head -c 1024 /dev/zero) ||
        fail "$1: an intent is left"
    insitu-fsck -n -f "$1" >fsck.log 2>&1 || { cat fsck.log; fail "$1: insitu-fsck"; }
    insitu-stat --json "$1" | grep -q '"faulty_extents": 0' || fail "$1: faulty extents"
    insitu-unpack -q "$1" - >/dev/null || fail "$1: does not unpack"
}

# Content that compresses in places.
seq 1 3000000 | head -c 16M >source.raw
head -c 4M /dev/urandom >>source.raw
truncate -s 28M source.raw
tail -c +1000 source.raw | head -c 4M | tr 0-9 a-j >>source.raw

echo "== qemu-img and nbdcopy, both ways"
for alg in lzo deflate; do
    insitu-format -q --force --size 33M --alg $alg copy.img
    serve copy.img
    size=$(stat -c %s source.raw)
    if have qemu-img; then
        qemu-img convert -n -f raw -O raw source.raw "$uri"
        qemu-img convert -f raw -O raw "$uri" back.raw
        cmp -n "$size" source.raw back.raw || fail "qemu-img convert, $alg"
    fi
    if have nbdcopy; then
        nbdcopy source.raw "$uri"
        rm -f back.raw
        nbdcopy "$uri" back.raw
        cmp -n "$size" source.raw back.raw || fail "nbdcopy, $alg"
    fi
    stop
    check_image copy.img
    insitu-unpack -q copy.img back2.raw
    cmp -n "$size" source.raw back2.raw || fail "unpack, $alg"
    rm -f back2.raw
done

echo "== qemu-io patterns, kill -9 after a flush and after FUA"
if have qemu-io; then
    for policy in writeback writethrough; do
        serve copy.img metadata=$policy
        qemu-io -f raw -c "write -P 0x5a 0 1M" -c "write -P 0xa5 4k 4k" -c flush \
            -c "write -f -P 0x11 64k 64k" -c "discard 128k 128k" -c "write -z 512k 64k" \
            -c "write -P 0x77 200k 300k" -c flush "$uri" >/dev/null
        kill_hard
        insitu-unpack -q copy.img - >/dev/null || fail "an image with an intent does not unpack"
        serve copy.img metadata=$policy
        qemu-io -f raw -c "read -P 0x5a 0 4k" -c "read -P 0xa5 4k 4k" -c "read -P 0x5a 8k 56k" \
            -c "read -P 0x11 64k 64k" -c "read -P 0 128k 72k" -c "read -P 0x77 200k 300k" \
            -c "read -P 0 512k 64k" "$uri" >qemu-io.log 2>&1 || { cat qemu-io.log; fail qemu-io; }
        ! grep -i "pattern verification failed" qemu-io.log || fail "qemu-io patterns"
        stop
        check_image copy.img
    done
fi

if ! have nbdfuse || [ ! -w /dev/fuse ]; then
    echo "left out: nbdfuse"
    exit 0
fi
mkdir -p mnt
attach() {
    nbdfuse mnt "$uri" &
    fuse=$!
    for _ in $(seq 100); do
        [ -f mnt/nbd ] && return
        sleep 0.05
    done
    fail "nbdfuse does not start"
}
detach() {
    fusermount3 -u mnt 2>/dev/null || umount mnt
    wait $fuse 2>/dev/null || true
    fuse=
}

if have fio; then
    echo "== fio with verify, and kill -9 in its middle"
    insitu-format -q --size 64M fio.img
    job="--filename=mnt/nbd --verify=crc32c --buffer_compress_percentage=60 --refill_buffers
         --verify_fatal=1 --minimal"
    serve fio.img commit-delay=1 cache-size=4M
    attach
    fio --name=fill $job --rw=write --bs=128k --size=48M --do_verify=0 >/dev/null
    fio --name=random $job --rw=randwrite --bs=4k --size=48M --io_size=16M --end_fsync=1 \
        >fio.log 2>&1 || { cat fio.log; fail "fio random writes, verified"; }
    # Every second block is written and flushed; then the blocks between are, which share extents
    # with them, until the server dies.
    even="--name=even $job --rw=write:4k --bs=4k --size=24M"
    fio $even --do_verify=0 --end_fsync=1 >/dev/null
    fio --name=odd $job --rw=write:4k --bs=4k --size=24M --offset=4k --do_verify=0 --fsync=64 \
        --time_based --runtime=20 >/dev/null 2>&1 &
    writer=$!
    sleep 1
    kill_hard
    kill $writer 2>/dev/null || true
    wait $writer 2>/dev/null || true
    detach
    serve fio.img
    attach
    fio $even --verify_only >fio.log 2>&1 || { cat fio.log; fail "fio verify after kill -9"; }
    detach
    stop
    check_image fio.img
fi

if have mkfs.ext4 && have e2fsck; then
    echo "== a file system over nbdfuse"
    insitu-format -q --size 64M --alg deflate fs.img
    # Through FUSE come requests that are no whole blocks.
    filter=--filter=blocksize
    serve fs.img
    attach
    mkfs.ext4 -q -F mnt/nbd || fail "mkfs.ext4"
    mkdir -p tree/a/b
    for i in $(seq 1 150); do seq 1 $((i * 37)) >tree/a/b/$i.txt; done
    head -c 3M /dev/urandom >tree/noise
    if [ "$(id -u)" = 0 ] && loop=$(losetup --show -f mnt/nbd 2>/dev/null); then
        mkdir -p fs
        if mount -t ext4 "$loop" fs 2>/dev/null; then
            cp -r tree fs/
            sync -f fs
            diff -r tree fs/tree || fail "tree differs"
            rm -rf fs/tree/a
            cp -r tree/a fs/tree/
            umount fs
            mount -t ext4 "$loop" fs
            diff -r tree fs/tree || fail "tree differs after mounting again"
            umount fs
        else
            echo "left out: cannot mount"
        fi
        losetup -d "$loop"
    else
        echo "left out: no loop device"
        debugfs -w -R "write tree/noise noise" mnt/nbd >/dev/null 2>&1
    fi
    sync
    e2fsck -fn mnt/nbd >e2fsck.log 2>&1 || { cat e2fsck.log; fail e2fsck; }
    detach
    stop
    check_image fs.img
    insitu-unpack -q fs.img fs.raw
    e2fsck -fn fs.raw >e2fsck.log 2>&1 || { cat e2fsck.log; fail "e2fsck of the unpacked image"; }
fi
echo "all clients agree"
