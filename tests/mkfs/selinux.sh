#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --selinux: every entry has the label that a list of file contexts gives its path and kind.
# shellcheck source=../everyday/lib.sh
. "${INSITU_TESTS:?}/everyday/lib.sh"
need_root

mkdir -p tree/etc tree/bin tree/proc mnt users
chmod 755 .
chmod 777 users
echo secret >tree/etc/shadow
echo other >tree/etc/other
echo shell >tree/bin/sh
ln tree/bin/sh tree/etc/linked
ln -s sh tree/bin/bash
mknod tree/null c 1 3
: >'tree/bin/a name'
cat >contexts <<'C'
/                -d system_u:object_r:root_t:s0
/null            -c system_u:object_r:null_t:s0
/etc(/.*)?          system_u:object_r:etc_t:s0
/etc/shadow      -- system_u:object_r:shadow_t:s0:c0.c1023
/bin(/.*)?          system_u:object_r:bin_t:s0
/bin/.*          -l system_u:object_r:link_t:s0
/proc               <<none>>
C
labels() { # labels DIR: the label of each entry; its zero at the end is a bar
    python3 - "$1" <<'P'
import os, sys
for top, directories, names in os.walk(sys.argv[1]):
    for path in [top] + [os.path.join(top, name) for name in names + directories]:
        if path == top and top != sys.argv[1] or 'lost+found' in path:
            continue
        try:
            label = os.getxattr(path, 'security.selinux', follow_symlinks=False).decode().replace('\0', '|')
        except OSError:
            label = 'none'
        print(os.path.relpath(path, sys.argv[1]), label)
P
}
mounted_labels() { # mounted_labels TYPE IMAGE
    rm -f raw
    insitu-unpack -q "$2" raw
    mount -o loop,ro -t "$1" raw mnt
    labels mnt | sort
    umount mnt
}
sort >want <<'W'
. system_u:object_r:root_t:s0|
null system_u:object_r:null_t:s0|
etc system_u:object_r:etc_t:s0|
etc/other system_u:object_r:etc_t:s0|
etc/shadow system_u:object_r:shadow_t:s0:c0.c1023|
etc/linked system_u:object_r:bin_t:s0|
bin system_u:object_r:bin_t:s0|
bin/sh system_u:object_r:bin_t:s0|
bin/a name system_u:object_r:bin_t:s0|
bin/bash system_u:object_r:link_t:s0|
proc none
W
tar -C tree -cf tree.tar .
user() { setpriv --reuid 65534 --regid 65534 --clear-groups env HOME=/ "$(command -v insitu-mkfs)" "$@"; }
for type in ext2 ext4 squashfs erofs btrfs xfs; do
    expect 0 insitu-mkfs -t $type -d tree --selinux contexts image
    says "contexts: has no label for some of the tree (1 entry, first: proc)"
    says "has other labels for further names of a file, which keeps that of its first name (1 entry, first: etc/linked)"
    mounted_labels $type image | diff want - || fail "$type: labels differ"
    expect 0 user -q -t $type -d - --selinux contexts users/image <tree.tar
    mounted_labels $type users/image | diff want - || fail "$type from a tar, as a user: labels differ"
done

# The labels that the tree has already give way, also where the list has none.
setfattr() { python3 -c 'import os, sys; os.setxattr(sys.argv[1], "security.selinux", b"old_u:old_r:old_t:s0\0")' "$1"; }
setfattr tree/etc/shadow
setfattr tree/proc
expect 0 insitu-mkfs -q -t ext4 -d tree --selinux contexts image
mounted_labels ext4 image | diff want - || fail "labels of the tree were kept"
expect 0 insitu-mkfs -q -t ext4 -d tree image
[ "$(mounted_labels ext4 image | grep -c 'old_t:s0|')" = 2 ] || fail "without --selinux the labels of the tree are lost"

# What cannot have labels, or gives none, is refused before anything is made.
expect 1 insitu-mkfs -t vfat -d tree --selinux contexts new
says "vfat is made without extended attributes, so without labels"
expect 1 insitu-mkfs -t ext4 -d tree --selinux nothing new
says "nothing: cannot open: No such file or directory"
expect 1 insitu-mkfs -t ext4 -d tree --selinux tree new
says "tree: cannot read: Is a directory"
printf '/a\n/b x y z\n' >wrong
expect 1 insitu-mkfs -t ext4 -d tree --selinux wrong new
says "wrong: is not a list of file contexts: line 1"
printf '/etc((/.*)? system_u:object_r:etc_t:s0\n' >wrong
expect 1 insitu-mkfs -t ext4 -d tree --selinux wrong new
says "wrong: is not a list of file contexts: line 1"
printf '/etc system_u:object_r:a_t:s0\n/etc system_u:object_r:b_t:s0\n' >wrong
expect 1 insitu-mkfs -t ext4 -d tree --selinux wrong new
says "wrong: is not a list of file contexts: Multiple different specifications"
expect 2 insitu-mkfs -t ext4 --selinux contexts new 20M
library=$(ldconfig -p | awk '/libselinux.so.1 / {print $NF; exit}')
expect 1 unshare -m bash -c "mount --bind /dev/null $library && exec $(command -v insitu-mkfs) -t ext4 -d tree --selinux contexts new"
says "the package libselinux1 has it"
[ ! -e new ] || fail "a refused run left an image"
