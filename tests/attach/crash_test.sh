#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Servers that were killed, states that cannot be believed, a last commit that fails.
# shellcheck source=lib.sh
. "${INSITU_TESTS:?}/attach/lib.sh"

insitu-format -q --size 40M a.img
mkdir mnt
run 0 insitu-attach a.img
device=$(cat out)
mkfs.ext4 -q "$device"
run 0 insitu-detach a.img

# A server that was killed: listed as such, cleaned up, and what was flushed is there.
run 0 insitu-attach a.img mnt
echo flushed >mnt/file
sync -f mnt
kill_hard "$(server 0)"
run 0 insitu-attach --list
says out "its server is gone"
check "--json says it" [ "$(attached '[0].serving')" = false ]
run 1 insitu-stat --live a.img
says err "its server is gone"
run 1 insitu-detach a.img
says err "its server was gone"
nothing_left "detached after a crash"
run 0 insitu-attach a.img mnt
check "what was flushed" grep -q flushed mnt/file
# Attaching again cleans up by itself; so it does when the FUSE process died, too.
kill_hard "$(server 0)"
run 0 insitu-attach a.img
says err "cleaned up after a server that is gone"
check "the dead mount is gone" sh -c "! mountpoint -q mnt"
check "there is one" [ "$(attached ' | length')" -eq 1 ]
kill_hard "$(server 0)" "$(cat run/*/nbdfuse.pid)"
run 0 insitu-attach a.img mnt
check "what was flushed is still there" grep -q flushed mnt/file
run 0 insitu-detach mnt
nothing_left "in the end"
run 0 insitu-fsck -n a.img

# A server that does not answer: who waits for it can be stopped.
run 0 insitu-attach a.img
kill -STOP "$(server 0)"
run 143 timeout --preserve-status -k 5 1 insitu-stat --live a.img
kill -CONT "$(server 0)"
run 0 insitu-detach a.img

# What the run directory says is not believed if another one could have written it.
run 0 insitu-attach a.img
folder=$(dirname run/*/state)
cp "$folder/state" good
chmod 666 "$folder/state"
check "a state that others may write" [ "$(attached ' | length')" -eq 0 ]
chmod 600 "$folder/state"
chown 12345 "$folder/state"
check "a state of another user" [ "$(attached ' | length')" -eq 0 ]
rm "$folder/state"
ln -s "$work/good" "$folder/state"
check "a link" [ "$(attached ' | length')" -eq 0 ]
rm "$folder/state"
for state in '' '{' '{}' '[1]' "$(head -c 100000 /dev/zero | tr '\0' x)" "$(sed 's/fuse-loop/pipe/;s/"nbd"/"pipe"/' good)"; do
  printf '%s' "$state" >"$folder/state"
  chmod 600 "$folder/state"
  check "a state without sense" [ "$(attached ' | length')" -eq 0 ]
done
# A number that another process has now: it is not taken for the server, nor signalled.
sleep 600 &
bystander=$!
jq -c ".server.pid = $bystander" good >"$folder/state"
check "a recycled number" [ "$(attached '[0].serving')" = false ]
run 1 insitu-detach a.img
check "the bystander lives" kill -0 $bystander
kill $bystander
nothing_left "a state of another process"
chmod 777 run
run 1 insitu-attach a.img
says err "is not a folder of this user alone"
chmod 700 run
# A folder that an attach left which was killed.
run 0 insitu-attach a.img
rm run/*/state
run 0 insitu-attach a.img
says err "cleaned up"
run 0 insitu-detach a.img
nothing_left "half attached"

# A full disk under the image: the last commit fails, and the image stays served until there is room.
mkdir full
mount -t tmpfs -o size=6M tmpfs full
insitu-format -q --size 64M full/b.img
run 0 insitu-attach --set cache-size=64M --set commit-delay=3600 full/b.img
device=$(cat out)
head -c 3M /dev/urandom | dd of="$device" bs=1M iflag=fullblock conv=fsync status=none
mount -o remount,size="$(du -k full/b.img | cut -f1)k" full
head -c 4M /dev/urandom | dd of="$device" bs=1M seek=16 iflag=fullblock status=none 2>/dev/null
run 1 insitu-detach full/b.img
says err "detach again"
check "still served" [ "$(attached '[0].serving')" = true ]
mount -o remount,size=60M full
insitu-detach full/b.img >out 2>err || insitu-detach full/b.img >out 2>err || fail "no second try"
mount -o remount,size="$(du -k full/b.img | cut -f1)k" full
run 0 insitu-attach full/b.img
head -c 4M /dev/urandom | dd of="$(cat out)" bs=1M seek=32 iflag=fullblock status=none 2>/dev/null
run 1 insitu-detach --force full/b.img
umount full
nothing_left "given up"
