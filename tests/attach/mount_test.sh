#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# mount -t insitu, umount and lines of fstab, with the helpers where mount(8) looks for them: in a
# name space of mounts of its own, over a view of /usr/sbin that has two more.
if [ -z "${INSITU_OWN_MOUNTS:-}" ] && unshare -m true 2>/dev/null; then
  INSITU_OWN_MOUNTS=1 exec unshare -m bash "${INSITU_TESTS:?}/attach/mount_test.sh"
fi
# shellcheck source=lib.sh
. "${INSITU_TESTS:?}/attach/lib.sh"
sbin=$(realpath /sbin)
mkdir programs view
if [ -z "${INSITU_OWN_MOUNTS:-}" ] || ! mount --bind "$sbin" programs; then
  echo "no name spaces here: skipped"
  pass
  exit
fi
for program in programs/*; do ln -s "$work/$program" view/; done
ln -sf "$INSITU_TOOLS/insitu-attach" view/mount.insitu
ln -sf "$INSITU_TOOLS/insitu-detach" view/umount.insitu
mount --bind view "$sbin"
helpers_gone() {
  umount -i "$sbin"
  umount -i programs
}

insitu-format -q --size 40M a.img
mkdir "mount point" other
dir="$work/mount point"
run 0 insitu-attach a.img
mkfs.ext4 -q "$(cat out)"
run 0 insitu-detach a.img
nothing() { # as nothing_left, beside the helpers' own mounts
  check "$1: no folder is left" [ -z "$(find run -mindepth 1 -type d)" ]
  check "$1: it is not mounted" sh -c "! mountpoint -q '$dir'"
  check "$1: no process is left" sh -c "! pgrep -f '$work/[r]un/.*/socket'"
}

# By hand.
run 0 mount -t insitu a.img "$dir" -o fs=ext4,noatime,insitu.cache-size=8M
silent out
silent err
check "with its options" grep -q ' ext4 rw,.*noatime' /proc/mounts
check "the plugin's, too" [ "$(insitu-stat --live --json a.img | jq .live.waiting_limit_bytes)" -eq 8388608 ]
echo one >"$dir/file"
exec 3<"$dir/file"
run 32 umount "$dir"
says err "busy"
exec 3<&-
run 0 umount "$dir"
nothing "umount"
run 0 insitu-fsck -n a.img

# fstab: a line, all lines, twice, ro.
printf '%s %s insitu fs=ext4,_netdev,nofail,x-systemd.requires=a.service 0 0\n' \
  "$work/a.img" "${dir// /\\040}" >fstab
run 0 mount -T fstab "$dir"
check "what was written" grep -q one "$dir/file"
echo two >>"$dir/file"
run 0 umount "$dir"
nothing "a line"
run 0 mount -T fstab -a
run 0 mount -T fstab -a
check "mounted once" [ "$(grep -c "ext4" <(grep -F "${dir// /\\040}" /proc/self/mountinfo))" -eq 1 ]
run 0 umount "$dir"
sed -i 's/fs=ext4/ro/' fstab
run 0 mount -T fstab "$dir"
check "read-only" sh -c "! touch '$dir/file'"
check "all that was written" [ "$(tr '\n' ' ' <"$dir/file")" = "one two " ]
# Detaching is as good.
run 0 insitu-detach "$dir"
nothing "detached"

# mount --fake does nothing, failures have mount's status, usage too.
run 0 mount -f -t insitu a.img "$dir"
nothing "a fake"
run 0 mount -v -t insitu a.img "$dir"
says out "$work/a.img mounted on $dir as $(attached '[0].device')"
run 0 umount "$dir"
run 32 mount -t insitu "$work/missing.img" "$dir"
run 32 mount -t insitu a.img "$dir" -o fs=xfs
nothing "another file system"
run 32 mount -t insitu a.img "$dir" -o partition=x
run 1 "$sbin/mount.insitu" a.img

# A file system that is mounted twice needs its server until both are gone; umount -l leaves it.
run 0 mount -t insitu a.img "$dir"
mount "$(attached '[0].device')" other
run 0 umount "$dir"
check "still served" [ "$(attached '[0].serving')" = true ]
run 0 umount other
run 0 insitu-detach a.img
run 0 mount -t insitu a.img "$dir"
run 0 umount -l "$dir"
check "still attached" [ "$(attached ' | length')" -eq 1 ]
run 0 insitu-detach a.img
nothing "lazily"

# What a service starts from its file.
printf '# a comment\n\n%s %s fs=ext4,insitu.commit-delay=500ms\n' "$work/a.img" "${dir// /\\040}" >a.conf
run 0 insitu-attach --config ./a.conf
check "mounted" grep -q one "$dir/file"
run 0 insitu-detach --config ./a.conf
nothing "a config"
run 0 insitu-detach --config ./a.conf
for wrong in "" "relative.img none" "/a none ro more" "$(printf '/a\n/b')"; do
  printf '%s\n' "$wrong" >wrong.conf
  run 1 insitu-attach --config ./wrong.conf
  says err "expected one line"
done
echo "- none" >wrong.conf
run 1 insitu-attach --config ./wrong.conf
says err "a stream cannot be attached"
run 1 insitu-attach --config no-such-name
says err "/etc/insitu/no-such-name.conf"

# The unit, with the programs where they are.
if command -v systemd-analyze >/dev/null; then
  mkdir units
  unit="$INSITU_TESTS/../apps/data/insitu@.service"
  sed "s#^\(Exec[A-Za-z]*=\)#\1$INSITU_TOOLS/#" "$unit" >units/insitu@.service
  run 0 env SYSTEMD_UNIT_PATH="$work/units:" systemd-analyze verify --man=no "$work/units/insitu@test.service"
  silent err
  silent out
  check "stopped before what the image is on" grep -q '^After=.*local-fs.target' "$unit"
  check "a server under a mount is not killed" grep -qx 'KillMode=process' "$unit"
fi
helpers_gone
