#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Extended attributes in xfs: what xfs_db made room for holds the values, whatever their form.
# shellcheck source=../everyday/lib.sh
. "${INSITU_TESTS:?}/everyday/lib.sh"
need_root
attributes() { python3 "$INSITU_TESTS/mkfs/xfs_attributes.py" "$@"; }

truncate -s 600M host
mkfs.xfs -q host
mkdir from to
mount -o loop host from
attributes make from/tree
# blocks of 1 KiB: more of them for each value; small and large inodes
for options in '' '-b size=1024 -s size=512' '-i size=1024' '-i nrext64=1' '-n size=8192'; do
    read -ra list <<<"$options"
    expect 0 insitu-mkfs -t xfs --strict -d from/tree image -- "${list[@]}"
    insitu-unpack -q image raw --force
    xfs_repair -n raw >out 2>&1 || fail "xfs_repair ($options): $(cat out)"
    mount -o loop raw to
    attributes compare from/tree to || fail "attributes ($options)"
    # The kernel changes and removes them as its own. (xfs_repair 6.1 refuses a link whose target had
    # to leave the inode for attributes that are gone, whoever made it.)
    python3 - <<'P'
import os
for name in os.listdir('to'):
    path = os.path.join('to', name)
    for i, attribute in enumerate(sorted(os.listxattr(path, follow_symlinks=False))):
        if attribute.startswith('trusted.SGI_ACL_'):
            continue
        if i % 2 and not attribute.startswith('system.'):
            os.setxattr(path, attribute, b'other' * 100, follow_symlinks=False)
        elif not os.path.islink(path):
            os.removexattr(path, attribute, follow_symlinks=False)
P
    umount to
    xfs_repair -n raw >out 2>&1 || fail "xfs_repair after changes ($options): $(cat out)"
done

# Names that xfs_db cannot be told are said.
python3 -c 'import os; os.setxattr("from/tree/rest", "user.two words", b"x")'
expect 0 insitu-mkfs -q -t xfs -d from/tree image
says "note: xfs: extended attributes whose names are no words of ASCII are not kept (1 entry, first: rest)"
expect 1 insitu-mkfs -q -t xfs --strict -d from/tree image
umount from
