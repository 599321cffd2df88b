#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Manifests and measuring: what is written is what sha256sum says, and every change is found.
# shellcheck source=lib.sh
. "${INSITU_TESTS:?}/everyday/lib.sh"

make_raw raw
for threads in 1 2 5; do
    expect 0 insitu-pack raw image --manifest m$threads.json -j $threads
done
cmp m1.json m2.json && cmp m1.json m5.json || fail "the manifest depends on the threads"
jq -e '.schema == "insitu-manifest/2"' m1.json >/dev/null
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

sed 's/"tree_sha256": "[0-9a-f]\{4\}/"tree_sha256": "0123/' m1.json >sha.json
expect 1 insitu-unpack image back --verify-manifest sha.json
says "tree SHA-256 of the content is"
jq 'del(.tree_sha256) | .schema = "insitu-manifest/1"' m1.json >old.json
expect 0 insitu-unpack image back --verify-manifest old.json

# The tree by its definition, for sizes around the borders of windows.
cat >tree.py <<'PYTHON'
import hashlib, struct, sys
data = open(sys.argv[1], "rb").read()
sha = lambda *parts: hashlib.sha256(b"".join(parts)).digest()
size = len(data)
level = [sha(b"\0", data[i:i + 131072].ljust(131072, b"\0")) for i in range(0, size, 131072)]
while len(level) & (len(level) - 1):
    level.append(sha(b"\0", bytes(131072)))
while len(level) > 1:
    level = [sha(b"\1", *level[i:i + 2]) for i in range(0, len(level), 2)]
print(sha(b"\2", struct.pack("<Q", size), level[0]).hex())
PYTHON
for size in 1 131072 131073 1000000 "$(stat -c %s raw)"; do
    { head -c "$size" raw; } >part
    for tail in 0 700000; do
        truncate -s +$tail part
        insitu-pack -q --force --manifest part.json part part.img
        [ "$(jq -r .tree_sha256 part.json)" = "$(python3 tree.py part)" ] ||
            fail "the tree of $size bytes and $tail zeros differs"
        expect 0 insitu-unpack part.img back --verify-manifest part.json
    done
done

# Holes take no time; the plain sum of many of them only where it is asked for.
truncate -s 4T sparse && printf x | dd of=sparse bs=1 seek=3000000000000 conv=notrunc status=none
expect 0 timeout 60 insitu-pack -q --manifest sparse.json sparse sparse.img
jq -e '(has("raw_sha256") | not) and has("tree_sha256")' sparse.json >/dev/null || fail "raw sum of holes"
expect 0 timeout 60 insitu-fsck -q --meta-only sparse.img
rm sparse sparse.img
truncate -s 4300M sparse
expect 0 insitu-pack -q --manifest sparse.json --raw-sha256 sparse sparse.img
[ "$(jq -r .raw_sha256 sparse.json)" = "$(sha256sum <sparse | cut -d' ' -f1)" ] || fail "--raw-sha256"
rm sparse sparse.img
expect 2 insitu-pack raw image --raw-sha256

# What is no manifest.
expect 0 insitu-unpack image back --verify-manifest m1.json
none=0
no_manifest() {
    none=$((none + 1))
    expect 1 insitu-unpack image back --verify-manifest "$1"
    says "$1:"
    expect 8 insitu-fsck -y --manifest "$1" image
}
before=$(sha256sum <image)
for text in '' '{' '[]' '7' '{"schema":"x/1"}' '{"schema":"insitu-manifest/1","logical_bytes":4096}' \
    '{"schema":"insitu-manifest/1","extents":[{"first_block":1,"blocks":0,"xxh3_128":""}]}' \
    '{"schema":"insitu-manifest/1","extents":[{"first_block":1,"blocks":1,"xxh3_128":"zz"}]}'; do
    printf %s "$text" >bad.json
    no_manifest bad.json
done
for change in '.extents = null' '.extents = {}' 'del(.extents)' '.extents[2] = null' '.extents[0].blocks = "4"' \
    '.extents[0].blocks = -1' '.extents[0].blocks = 1.5' 'del(.extents[1].first_block)' \
    'del(.extents[1].xxh3_128)' '.extents |= [.[1], .[0]] + .[2:]' '.extents[1] = .extents[0]' \
    '.logical_bytes = "x"' '.logical_bytes += 1' '.logical_bytes += 4096' '.raw_bytes = null' 'del(.raw_bytes)' '.raw_bytes = .logical_bytes + 1' 'del(.tree_sha256)' \
    '.raw_sha256 = 7' '.raw_sha256 = "abc"' '.schema = 2' '.schema = "insitu-manifest/3"'; do
    jq "$change" m1.json >bad.json
    expect 1 insitu-unpack image back --verify-manifest bad.json
    expect 8 insitu-fsck -y --manifest bad.json image
done
jq '.device_bytes += 4096' m1.json >bad.json
expect 1 insitu-unpack image back --verify-manifest bad.json
says "is it the manifest of another image?"
sed 's/"raw_bytes"/"raw_bytes": 1, "raw_bytes"/' m1.json >bad.json
no_manifest bad.json
{ printf '%s' '{"schema": "insitu\u001b[2J", "extents": []}'; } >bad.json
expect 1 insitu-unpack image back --verify-manifest bad.json
says 'insitu\x1b[2J'
# One long text, and deep nesting, are refused before they take memory.
{ printf '{"note": "'; head -c 30M /dev/zero | tr '\0' x; } >bad.json
expect 1 insitu-unpack image back --verify-manifest bad.json
says "holds a text of more than 65536 bytes"
head -c 1M /dev/zero | tr '\0' '[' >bad.json
no_manifest bad.json
[ "$before" = "$(sha256sum <image)" ] || fail "a bad manifest changed the image"

# Whole, but not of this image: an extent less, another image of the size. Nothing is written.
jq 'del(.extents[3])' m1.json >less.json
jq '.extents = [] | .raw_bytes = 4096' m1.json >empty.json
printf x | dd of=other bs=1 seek=700 conv=notrunc status=none
expect 0 insitu-pack -q --force --manifest other.json other changed
for bad in less empty other; do
    status=0
    insitu-fsck -q -y --manifest $bad.json image >out 2>err || status=$?
    case $status in 4 | 8) ;; *) fail "fsck -y --manifest $bad.json: $(cat out err)" ;; esac
    [ "$before" = "$(sha256sum <image)" ] || fail "$bad.json changed the image"
done
rm -f image.insitu-undo*

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
