#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# device_bench.sh SOURCE DIR [PART...]: the live device beside nbdkit's file plugin on a raw file and
# qemu-nbd on qcow2, in one run, on the same content. SOURCE: a raw file, a multiple of 128 KiB.
# DIR is for the images; they are made once and kept. PARTS, each less than a minute long:
#   prepare      the images that the others read
#   sequential   nbdcopy to and from an empty image, MB (10^6) a second and a CPU second of the
#                server; the median of three
#   reads        fio, random, 4 KiB and 128 KiB, IOPS; and sequential 4 KiB
#   caches       the same 4 KiB reads with other sizes of the decode cache
#   writes       fio, random, 4 KiB and 128 KiB, and 4 KiB with a flush after each, IOPS
#   overwrites   bytes that reach the image for 4 KiB overwrites, by workload
# INSITU_BUILD names the build directory. Everything is in the page cache unless a sync says otherwise.
set -eu
source=$(realpath "$1")
dir=$(realpath "$2")
shift 2
[ $# -gt 0 ] || set -- prepare sequential reads caches writes overwrites
build=$(realpath "${INSITU_BUILD:-build}")
plugin=$build/apps/nbdkit/nbdkit-insitu-plugin.so
export PATH=$build/apps:$PATH
size=$(stat -c %s "$source")
server=
stop() {
    [ -z "$server" ] && return
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    server=
}
trap stop EXIT
cd "$dir"
uri="nbd+unix:///?socket=$dir/socket"

# A virtual machine's host may have taken memory back, and gives it again page by page, which would be
# part of what is measured: a gigabyte is used once.
warm_memory() {
    head -c 1G /dev/zero >warm
    rm -f warm
}

# start KIND FILE [parameters]: file | insitu | qcow2
start() {
    local kind=$1 file=$2
    shift 2
    rm -f socket
    warm_memory
    case $kind in
        file) nbdkit -f -U socket file "$file" & ;;
        insitu) nbdkit -f -v -U socket "$plugin" "$file" "$@" 2>counters.log & ;;
        qcow2) qemu-nbd -t -e 4 -f qcow2 --cache=writeback --discard=unmap --socket="$dir/socket" "$file" & ;;
    esac
    server=$!
    for _ in $(seq 200); do
        [ -S socket ] && break
        sleep 0.02
    done
    sleep 0.1
}
kind_of() { case $1 in lzo* | deflate*) echo insitu ;; qcow2*) echo qcow2 ;; *) echo file ;; esac; }

# The server's CPU time so far, user and system, in ticks.
ticks() { awk '{ print $14 + $15 }' "/proc/$server/stat"; }
rate() { # rate COMMAND...: MB of SOURCE's size a second, and a CPU second of the server
    local before after used
    used=$(ticks)
    before=$(date +%s.%N)
    "$@" >/dev/null
    after=$(date +%s.%N)
    used=$(($(ticks) - used))
    awk -v a="$before" -v b="$after" -v s="$size" -v u="$used" -v hz="$(getconf CLK_TCK)" \
        'BEGIN { printf "%.0f %.0f\n", s / 1e6 / (b - a), s / 1e6 / (u > 0 ? u : 1) * hz }'
}
median() { sort -n | sed -n 2p; }
fresh() {
    rm -f "$2"
    case $1 in
        file) truncate -s "$size" "$2" ;;
        qcow2) qemu-img create -q -f qcow2 "$2" "$size" ;;
        lzo | deflate) insitu-format -q --size $((size + size / 1000 + (1 << 20))) --alg "$1" "$2" ;;
    esac
}
line() { printf '%-28s %14s %10s %10s %10s\n' "$@"; }
sequential() {
    line "sequential, MB" "write+flush/s" "/CPU s" "read/s" "/CPU s"
    for alg in lzo deflate; do
        read -r encode decode <<<"$("$build/tests/bench/codec_speed" "$source" $alg 2)"
        line "codec in memory, $alg" "$encode" $((encode / 2)) "$decode" $((decode / 2))
    done
    for name in file qcow2 lzo deflate; do
        rm -f write.log read.log
        for _ in 1 2 3; do
            fresh $name image
            start "$(kind_of "$name")" image
            sync
            rate nbdcopy --flush "$source" "$uri" >>write.log
            rate nbdcopy "$uri" null: >>read.log
            stop
        done
        # shellcheck disable=SC2046 # two figures each
        line "$name" $(median <write.log) $(median <read.log)
    done
    start qcow2 qcow2c
    for _ in 1 2 3; do rate nbdcopy "$uri" null:; done >read.log
    stop
    # shellcheck disable=SC2046
    line "qcow2, compressed" "" "" $(median <read.log)
    rm -f image write.log read.log
}

images="file qcow2 qcow2c lzo-auto lzo-128K deflate-auto"
# The image that --extent auto makes, and one whose extents are whole windows.
prepare() {
    [ -f file ] || cp "$source" file
    [ -f qcow2 ] || qemu-img convert -O qcow2 "$source" qcow2
    [ -f qcow2c ] || qemu-img convert -c -O qcow2 "$source" qcow2c
    [ -f lzo-auto ] || insitu-pack -q "$source" lzo-auto
    [ -f lzo-128K ] || insitu-pack -q --extent 128K "$source" lzo-128K
    [ -f deflate-auto ] || insitu-pack -q --alg deflate "$source" deflate-auto
    [ -f deflate-128K ] || insitu-pack -q --extent 128K --alg deflate "$source" deflate-128K
    cat file qcow2 qcow2c lzo-auto lzo-128K deflate-auto >/dev/null
}

figure() { # figure FIO-OPTIONS...: IOPS
    fio --name=b --ioengine=nbd --uri="$uri" --size="$size" --time_based --runtime=2 --iodepth=16 \
        --buffer_compress_percentage=60 --refill_buffers --minimal "$@" 2>/dev/null |
        awk -F';' '$1 == 3 { printf "%.0f", $8 + $49 }'
}
# table TITLE COLUMNS ROW-COMMAND: a row for each image.
row() {
    local name=$1
    shift
    printf '%-28s' "$name"
    for options; do
        # shellcheck disable=SC2086 # several options
        printf '%12s' "$(figure $options)"
    done
    printf '\n'
}
reads() {
    printf '%-28s %11s %11s %11s\n' "reads, IOPS, depth 16" "4K random" "128K random" "4K in order"
    for name in $images; do
        start "$(kind_of "$name")" "$name"
        row "$name" "--rw=randread --bs=4k" "--rw=randread --bs=128k" "--rw=read --bs=4k"
        stop
    done
}
caches() {
    printf '%-28s %11s\n' "decode-cache, IOPS" "4K random"
    start file file
    row file "--rw=randread --bs=4k --runtime=4"
    stop
    for name in lzo-auto deflate-auto; do
        for cache in 0 64M 128M 256M; do
            start insitu $name decode-cache=$cache
            row "$name, $cache" "--rw=randread --bs=4k --runtime=4"
            stop
        done
    done
}
writes() {
    printf '%-28s %11s %11s %11s\n' "writes, IOPS, depth 16" "4K random" "128K random" "4K + flush"
    for name in file qcow2 lzo-auto lzo-128K deflate-auto; do
        cp $name image
        sync
        start "$(kind_of "$name")" image
        row "$name" "--rw=randwrite --bs=4k --end_fsync=1" "--rw=randwrite --bs=128k --end_fsync=1" \
            "--rw=randwrite --bs=4k --fsync=1"
        stop
    done
    rm -f image
}

# Bytes that reach the image for 4 KiB overwrites of compressed extents of 128 KiB: in place and in
# redo streams, against the payloads that the requests make, each written once as the driver does.
overwrites() {
    printf '%-40s %10s %10s %10s %8s\n' "4 KiB overwrites, bytes a request" "driver" "in place" "journal" "ratio"
    for alg in lzo deflate; do
        for workload in "no flush, commit every 5 s:" "fsync every 256:--fsync=256" "every write flushed:--fsync=1"; do
            cp $alg-128K image
            sync
            start insitu image
            # shellcheck disable=SC2086 # none or one option
            figure --rw=randwrite --bs=4k --norandommap --runtime=4 ${workload#*:} >/dev/null
            stop
            # "uncompressed compressed meta … writes=N … journal=N …"
            grep -ao '[0-9]* [0-9]* [0-9]* reads=.*' counters.log | tail -1 | tr '=' ' ' |
                awk -v n="$alg, ${workload%%:*}" '{ w = $7; made = ($11 + $3) / w; place = ($2 + $3) / w
                    j = $13 / w
                    printf "%-40s %10.0f %10.0f %10.0f %8.2f\n", n, made, place, j, (place + j) / made }'
        done
    done
    rm -f image
}
for part; do
    $part
    echo
done
