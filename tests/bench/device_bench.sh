#!/bin/bash
# device_bench.sh SOURCE [DIR]: the live device beside nbdkit's file plugin on a raw file and qemu-nbd
# on qcow2, in one run, on the same files. SOURCE: a raw file, a multiple of 128 KiB, whose content is
# what is written. Prints MB/s (10^6) and IOPS; each figure is the median of three runs.
# INSITU_BUILD names the build directory. Everything is in the page cache unless a sync says otherwise.
set -eu
source=$(realpath "$1")
dir=$(mktemp -d "${2:-/tmp}/insitu-bench.XXXXXX")
build=$(realpath "${INSITU_BUILD:-build}")
plugin=$build/apps/nbdkit/nbdkit-insitu-plugin.so
export PATH=$build/apps:$PATH
size=$(stat -c %s "$source")
mb() { awk -v b="$1" -v s="$2" 'BEGIN { printf "%.0f", b / 1e6 / s }'; }
server=
stop() {
    [ -z "$server" ] && return
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    server=
}
trap 'stop; rm -rf "$dir"' EXIT
cd "$dir"
uri="nbd+unix:///?socket=$dir/socket"

# start KIND FILE: file | insitu | qcow2
start() {
    rm -f socket
    case $1 in
        file) nbdkit -f -U socket file "$2" & ;;
        insitu) nbdkit -f -v -U socket "$plugin" "$2" 2>>counters.log & ;;
        qcow2) qemu-nbd -t -e 4 -f qcow2 --cache=writeback --discard=unmap --socket="$dir/socket" "$2" & ;;
    esac
    server=$!
    for _ in $(seq 200); do
        [ -S socket ] && break
        sleep 0.02
    done
    sleep 0.1
}
seconds() {
    local before after
    before=$(date +%s.%N)
    "$@" >/dev/null
    after=$(date +%s.%N)
    awk -v a="$before" -v b="$after" 'BEGIN { print b - a }'
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
kind_of() { case $1 in lzo* | deflate*) echo insitu ;; qcow2*) echo qcow2 ;; *) echo file ;; esac; }

printf '%-28s %12s %12s\n' "sequential, MB/s" "write+flush" "read"
for alg in lzo deflate; do
    read -r encode decode <<<"$("$build/tests/bench/codec_speed" "$source" $alg 2)"
    printf '%-28s %12s %12s\n' "codec in memory, $alg" "$encode" "$decode"
done
for name in file qcow2 lzo deflate; do
    for _ in 1 2 3; do
        fresh $name image
        start "$(kind_of $name)" image
        sync
        seconds nbdcopy --flush "$source" "$uri" >>write.$name
        seconds nbdcopy "$uri" null: >>read.$name
        stop
    done
    printf '%-28s %12s %12s\n' "$name" "$(mb "$size" "$(median <write.$name)")" \
        "$(mb "$size" "$(median <read.$name)")"
done
rm -f image
qemu-img convert -c -O qcow2 "$source" qcow2c
start qcow2 qcow2c
for _ in 1 2 3; do seconds nbdcopy "$uri" null: >>read.qcow2c; done
stop
printf '%-28s %12s %12s\n' "qcow2, compressed" "" "$(mb "$size" "$(median <read.qcow2c)")"

fio_figure() { # NAME FIO-OPTIONS...: IOPS
    local name=$1
    shift
    fio --name=b --ioengine=nbd --uri="$uri" --size="$size" --time_based --runtime=4 --iodepth=16 \
        --buffer_compress_percentage=60 --refill_buffers --minimal "$@" 2>/dev/null |
        awk -F';' '$1 == 3 { printf "%.0f", $8 + $49 }'
}
cp "$source" file
qemu-img convert -O qcow2 "$source" qcow2
# The image that --extent auto makes, and one whose extents are whole windows.
insitu-pack -q "$source" lzo-auto
insitu-pack -q --extent 128K "$source" lzo-128K
insitu-pack -q --alg deflate "$source" deflate-auto
echo
printf '%-28s %12s %12s %12s %12s %12s\n' "random, IOPS, depth 16" "4K read" "128K read" "4K write" \
    "128K write" "4K w+flush"
for name in file qcow2 qcow2c lzo-auto lzo-128K deflate-auto; do
    start "$(kind_of $name)" $name
    row=
    for options in "--rw=randread --bs=4k" "--rw=randread --bs=128k" "--rw=randwrite --bs=4k --end_fsync=1" \
        "--rw=randwrite --bs=128k --end_fsync=1" "--rw=randwrite --bs=4k --fsync=1"; do
        row="$row $(printf '%12s' "$(fio_figure $name $options)")"
    done
    printf '%-28s%s\n' $name "$row"
    stop
    rm -f $name
done

# Bytes that reach the image for 4 KiB overwrites of compressed extents of 128 KiB: in place and in
# redo streams, against the payloads that the requests make, each written once as the driver does.
echo
printf '%-40s %10s %10s %10s %8s\n' "4 KiB overwrites, bytes a request" "driver" "in place" "journal" "ratio"
for workload in "no flush, commit every 5 s:" "fsync every 256:--fsync=256" "every write flushed:--fsync=1"; do
    for alg in lzo deflate; do
        insitu-pack -q --extent 128K --alg $alg "$source" image
        : >counters.log
        start insitu image
        fio_figure x --rw=randwrite --bs=4k --norandommap ${workload#*:} >/dev/null
        stop
        # "uncompressed compressed meta … writes=N … journal=N …"
        grep -o '[0-9]* [0-9]* [0-9]* reads=.*' counters.log | tail -1 | tr '=' ' ' |
            awk -v n="$alg, ${workload%%:*}" '{ w = $7; made = ($11 + $3) / w; place = ($2 + $3) / w
                j = $13 / w
                printf "%-40s %10.0f %10.0f %10.0f %8.2f\n", n, made, place, j, (place + j) / made }'
    done
done
