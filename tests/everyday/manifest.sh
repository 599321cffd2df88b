#!/usr/bin/env bash
# Manifests and measuring: what is written is what sha256sum says, and every change is found.
# shellcheck source=lib.sh
. "${INSITU_TESTS:?}/everyday/lib.sh"

make_raw raw
for threads in 1 2 5; do
    expect 0 insitu-pack raw image --manifest m$threads.json -j $threads
done
cmp m1.json m2.json && cmp m1.json m5.json || fail "the manifest depends on the threads"
jq -e '.schema == "insitu-manifest/1"' m1.json >/dev/null
[ "$(jq -r .raw_sha256 m1.json)" = "$(sha256sum <raw | cut -d' ' -f1)" ] || fail "SHA-256 differs"
[ "$(jq -r .raw_bytes m1.json)" = "$(stat -c %s raw)" ] || fail "raw_bytes differs"

# The hashes are those that dump-meta finds in the image.
insitu-dump-meta --hash --json image >dump.json
jq -c '.extents[] | [.first_block, .blocks, .xxh3_128]' m1.json >want
jq -c '.extents[] | [.first_block, .blocks, .xxh3_128]' dump.json | cmp - want

expect 0 insitu-unpack image back --verify-manifest m1.json -j 3
cmp -n "$(stat -c %s raw)" raw back
insitu-unpack image - --verify-manifest m1.json | cmp - back
expect 0 insitu-unpack image back --verify-manifest dump.json
expect 0 insitu-unpack image back --verify-manifest m1.json --json
jq -e '.manifest_matches == true' out >/dev/null

# A stream, more room than content, other options: the same content.
expect 0 insitu-pack - wide --size 64M --manifest wide.json --alg deflate --extent 128K <raw
[ "$(jq -r .raw_sha256 wide.json)" = "$(jq -r .raw_sha256 m1.json)" ] || fail "a stream differs"
expect 0 insitu-unpack wide back --verify-manifest wide.json
expect 1 insitu-unpack wide back --verify-manifest m1.json
says "logical bytes"

# One changed byte in a raw block, in a hole, and one that only the SHA-256 covers.
rm back
cp raw other && printf xxxxxxxx | dd of=other bs=1 seek=5000 conv=notrunc status=none
expect 0 insitu-pack other changed
expect 1 insitu-unpack changed back --verify-manifest m1.json
says "not what m1.json says: 1 block from here on; 1 place in all"
[ ! -e back ] || fail "wrong content got the name of the target"
cp raw other && printf x | dd of=other bs=1 seek=15000000 conv=notrunc status=none
expect 0 insitu-pack other changed
expect 1 insitu-unpack changed back --verify-manifest m1.json
says "block 3662"
sed 's/"raw_sha256": "[0-9a-f]\{4\}/"raw_sha256": "0123/' m1.json >sha.json
expect 1 insitu-unpack image back --verify-manifest sha.json
says "SHA-256 of the content is"

# What is no manifest.
for text in '' '{' '[]' '{"schema":"x/1"}' '{"schema":"insitu-manifest/1","logical_bytes":4096}' \
    '{"schema":"insitu-manifest/1","extents":[{"first_block":1,"blocks":0,"xxh3_128":""}]}' \
    '{"schema":"insitu-manifest/1","extents":[{"first_block":1,"blocks":1,"xxh3_128":"zz"}]}'; do
    printf %s "$text" >bad.json
    expect 1 insitu-unpack image back --verify-manifest bad.json
    says bad.json:
done
expect 1 insitu-unpack image back --verify-manifest nowhere.json
expect 1 insitu-pack raw image --manifest raw
says "would overwrite"
expect 1 insitu-pack raw image --manifest image
expect 2 insitu-unpack image back --verify-manifest m1.json --offset 4K
expect 2 insitu-pack raw image --manifest m --dry-run

# Measuring says what a file takes, to the byte where the host counts blocks of 4 KiB.
expect 0 insitu-pack raw --measure --json
measured=$(jq -c '[.device_bytes, .image_occupied_bytes, .written_bytes]' out)
expect 0 insitu-pack raw image --json
[ "$measured" = "$(jq -c '[.device_bytes, .image_occupied_bytes, .written_bytes]' out)" ] ||
    fail "measuring differs from packing"
[ "$(jq .device_bytes out)" = "$(stat -c %s image)" ] || fail "required size differs"
if [ "$(stat -f -c %T -- /dev/shm)" = tmpfs ]; then
    shm=$(mktemp -d /dev/shm/insitu.XXXXXX)
    expect 0 insitu-pack raw "$shm/image" --json
    taken=$(($(stat -c %b "$shm/image") * 512))
    rm -r "$shm"
    [ "$(jq .image_occupied_bytes out)" = $taken ] || fail "a tmpfs file takes $taken: $(cat out)"
fi
expect 2 insitu-pack raw
says TARGET
expect 0 insitu-pack - --measure <raw

# What is kept for a while is kept in TMPDIR.
without_room() { expect "$1" env TMPDIR="$PWD/nowhere" "${@:2}" && says nowhere; }
without_room 1 insitu-unpack image back --verify-manifest m1.json
without_room 8 insitu-fsck --manifest m1.json image
without_room 1 bash -c 'cat raw | insitu-pack - --measure'
expect 0 env TMPDIR= insitu-unpack image back --verify-manifest m1.json
