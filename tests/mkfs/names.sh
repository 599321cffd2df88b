#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Names, kinds and attributes that used to get lost in silence: right, or refused by name.
# shellcheck source=../everyday/lib.sh
. "${INSITU_TESTS:?}/everyday/lib.sh"
need_root

mkdir mnt
mounted() { # mounted TYPE IMAGE COMMAND…: runs it while the unpacked image is mounted on mnt
    local type=$1 image=$2 status=0
    shift 2
    rm -f raw
    insitu-unpack -q "$image" raw
    mount -o loop,ro -t "$type" raw mnt
    "$@" || status=1
    umount mnt
    return $status
}
same_names() { diff <(cd "$1" && find . -path ./lost+found -prune -o -print0 | sort -z | tr '\0\n' '\n@') \
    <(cd mnt && find . -path ./lost+found -prune -o -print0 | sort -z | tr '\0\n' '\n@'); }

# A prototype of mkfs.xfs has no way to quote: every directory form of XFS is renamed in.
mkdir -p xfs/few xfs/block xfs/leaf xfs/node
for name in '$' ':' ':c' ' ' $'\n' $'a\tb' '$$' ' lead' 'plain'; do echo "$name" >"xfs/few/$name"; done
seq -f 'name %g $' 60 | (cd xfs/block && xargs -d '\n' touch)
seq -f ': %03g of a leaf' 300 | (cd xfs/leaf && xargs -d '\n' touch)
seq -f 'a long name with blanks in it, number %06g' 4000 | (cd xfs/node && xargs -d '\n' touch)
ln -s "$(printf 't%.0s' {1..1000})" xfs/far
ln -s 'target of : words $' xfs/words
expect 0 insitu-mkfs -q -t xfs -d xfs image
mounted xfs image same_names xfs || fail "xfs: names differ"
xfs_repair -n raw >out 2>&1 || fail "xfs_repair: $(cat out)"
[ "$(mounted xfs image readlink mnt/words)" = 'target of : words $' ] || fail "xfs: a link's target"
[ "$(mounted xfs image readlink mnt/far | wc -c)" = 1001 ] || fail "xfs: a long link"
mounted xfs image cat 'mnt/few/ lead' 'mnt/node/a long name with blanks in it, number 003999' >out ||
    fail "xfs: a name is not found by its hash"

# A link as DIR, and one that begins with a dash.
mkdir -- -t
echo content >-t/a
ln -s -- -t link
for type in ext2 ext4 btrfs xfs squashfs erofs vfat; do
    expect 0 insitu-mkfs -q -t $type -d -t image
    expect 0 insitu-mkfs -q -t $type -d link image
    [ $type = vfat ] || [ "$(mounted $type image cat mnt/a)" = content ] || fail "$type: a link as DIR"
done

# FAT: what it cannot hold refuses at once, and nothing asks.
for name in 'a:b' 'star*' 'dot.' 'blank ' $'line\nbreak' $'\xff'; do
    rm -rf fat && mkdir fat && : >"fat/$name"
    expect 1 insitu-mkfs -t vfat -d fat image
    says "FAT cannot hold it"
done
rm -rf fat && mkdir fat && : >fat/README && : >fat/readme
expect 1 insitu-mkfs -t vfat -d fat image
says "is the same name for FAT as 'README'"

# What may not be read, or cannot be held, is refused by its name.
mkdir tree && echo secret >tree/locked && chmod 600 tree/locked && mkdir users && chmod 777 users && chmod 755 .
user() { setpriv --reuid 65534 --regid 65534 --clear-groups env HOME=/ "$(command -v insitu-mkfs)" "$@"; }
for type in ext4 squashfs erofs btrfs xfs vfat; do
    expect 1 user -t $type -d tree users/image
    says "locked: cannot open: Permission denied"
done
mkdir many && touch "many/$(printf 'n%.0s' {1..255})"
expect 1 insitu-mkfs -t erofs -d many image
says "has a name of 255 bytes: erofs takes 254"

# Times: held, or the nearest and a word even with -q.
mkdir times
touch -d '1965-01-01 UTC' times/past
touch -d '2040-06-01 UTC' times/future
touch -d '2150-06-01 12:34:56.789 UTC' times/far
for type in ext2 ext3 ext4 btrfs xfs erofs; do
    expect 0 insitu-mkfs -q -t $type -d times image
    [ ! -s err ] || fail "$type: says $(cat err)"
    [ "$(mounted $type image stat -c '%.Y' mnt/far mnt/future mnt/past)" = "$(stat -c '%.Y' times/*)" ] ||
        fail "$type: times differ"
done
expect 0 insitu-mkfs -q -t squashfs -d times image
says "note: squashfs: times outside 1970 to 2106 become the nearest (2 entries, first: far)"
[ "$(mounted squashfs image stat -c %Y mnt/past)" = 0 ] || fail "squashfs: a time wraps"
expect 0 insitu-mkfs -q -t ext4 -d times image -- -I 128
says "times outside 1901 to 2038 become the nearest"
expect 1 insitu-mkfs -q --strict -t squashfs -d times image
says "leave --strict out"

# The top of a btrfs has its attributes, also if its first leaves have to make room for them.
set_top() { # set_top DIR COUNT BYTES: attributes of its top
    python3 -c 'import os, sys
for i in range(int(sys.argv[2])): os.setxattr(sys.argv[1], "user.%d" % i, b"%d" % i * int(sys.argv[3]))' "$@"
}
# Attributes of many KiB want a file system that holds them.
truncate -s 300M host && mkfs.xfs -q host && mkdir large && mount -o loop host large
list_top() { python3 -c 'import os; print(sorted((name, os.getxattr("mnt", name)) for name in os.listxattr("mnt")))'; }
for files in 0 5 100 3000; do
    rm -rf large/top && mkdir large/top
    [ $files = 0 ] || seq -f 'a file of the top %03g' $files | (cd large/top && xargs -d '\n' touch)
    set_top large/top 3 2500
    expect 0 insitu-mkfs -q -t btrfs -d large/top image
    mounted btrfs image list_top >out
    python3 -c 'print([("user.%d" % i, b"%d" % i * 2500) for i in range(3)])' | diff - out || fail "btrfs: attributes of the top"
    mounted btrfs image same_names large/top || fail "btrfs: names below a top with attributes"
    btrfs check raw >out 2>&1 || fail "btrfs check: $(cat out)"
done
rm -rf large/top && mkdir large/top && : >large/top/file && set_top large/top 7 2500
expect 1 insitu-mkfs -q -t btrfs -d large/top image
says "the top of the tree: has extended attributes for which the btrfs that mkfs.btrfs made has no room"
expect 0 insitu-mkfs -q -t btrfs -d large/top image -- -n 32768
umount large

# Attributes, as a user from compressed tars: kept, or a word.
mkdir attr && cp /bin/true attr/ping && setcap cap_net_raw+ep attr/ping && echo x >attr/acl
chmod 600 attr/acl && setfacl -m u:1234:rw attr/acl
mknod attr/null c 1 3 && ln attr/acl attr/hard && chown 3000000000:7 attr/ping && setcap cap_net_raw+ep attr/ping
tar --xattrs --xattrs-include='*' --acls --numeric-owner -C attr -cf attr.tar .
gzip -k attr.tar && xz -k attr.tar && bzip2 -k attr.tar && zstd -q -k attr.tar
attributes() { (cd "$1" && getcap ping && getfacl -n acl null && stat -c '%n %h %u %g %t %T %a' acl hard null ping); }
for tar in attr.tar attr.tar.gz attr.tar.xz attr.tar.bz2 attr.tar.zst; do
    expect 0 user -t ext4 -d - users/image <$tar
    mounted ext4 users/image attributes mnt >got && attributes attr >want
    diff want got || fail "ext4 from $tar"
done
for type in btrfs erofs; do
    expect 0 user -t $type -d - users/image <attr.tar
    mounted $type users/image attributes mnt >got
    diff want got || fail "$type from a tar as a user"
done
expect 0 user -q -t squashfs -d - users/image <attr.tar
says "access control lists (system.posix_acl) are not kept"
mounted squashfs users/image getcap mnt/ping >got && grep -q cap_net_raw got || fail "squashfs: $(cat got)"
expect 0 user -q -t xfs -d - users/image <attr.tar
says "hard links become files of their own"
mounted xfs users/image attributes mnt >got
sed 's/^\(acl\|hard\) 2 /\1 1 /' want | diff - got || fail "xfs from a tar as a user"
mounted xfs users/image getfacl -nc mnt/acl mnt/hard >got
[ "$(grep -c '^user:1234:rw-' got)" = 2 ] || fail "xfs: a copy of a hard link has no ACL: $(cat got)"

# A directory that a user gives is made anew below fakeroot where it is changed, which must not lose
# what its files really have, nor the device nodes in it.
mkdir own && echo x >own/a && mknod own/null c 1 3 && chown -R 65534:65534 own
setfattr() { python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.note", b"kept")' "$1"; }
getfattr() { python3 -c 'import os, sys; print(os.getxattr(sys.argv[1], "user.note").decode())' "$1"; }
setfattr own/a
touch -d '1965-01-01 UTC' own/a
for type in btrfs squashfs erofs ext4; do
    for options in '--exclude nothing' '--owner 65534:65534' ''; do
        # shellcheck disable=SC2086
        expect 0 user -q -t $type -d own $options users/image
        [ "$(mounted $type users/image getfattr mnt/a)" = kept ] || fail "$type $options: an attribute is lost"
        [ "$(mounted $type users/image stat -c '%F %t:%T' mnt/null)" = 'character special file 1:3' ] ||
            fail "$type $options: a device is lost"
    done
done
expect 0 user -q -t squashfs -d own users/image
says "times outside 1970 to 2106 become the nearest (1 entry, first: a)"
[ "$(grep -c 'become the nearest' err)" = 1 ] || fail "a loss is told twice: $(cat err)"

# A tree with another file system mounted in it has numbers of inodes twice.
mkdir mounts && mount -t tmpfs none mounts && mkdir mounts/below && echo a >mounts/a && echo b >mounts/b
mount -t tmpfs none mounts/below && echo c >mounts/below/c && echo d >mounts/below/d && ln mounts/below/d mounts/below/e
[ "$(stat -c %i mounts/a mounts/b | sort)" = "$(stat -c %i mounts/below/c mounts/below/d | sort)" ] ||
    echo "tmpfs numbers its inodes in another way here"
for type in ext4 btrfs squashfs erofs; do
    expect 0 insitu-mkfs -q -t $type -d mounts --verify image
    mounted $type image same_names mounts || fail "$type: a tree with a mount in it"
    [ "$(mounted $type image stat -c %h mnt/a mnt/below/d | tr '\n' ' ')" = '1 2 ' ] || fail "$type: links by number"
done
umount mounts/below mounts

# The root of a user namespace makes device nodes and foreign owners as well.
if setpriv --reuid 65534 --regid 65534 --clear-groups unshare -Ur true 2>/dev/null; then
    for type in ext4 erofs; do
        expect 0 setpriv --reuid 65534 --regid 65534 --clear-groups env HOME=/ unshare -Ur \
            "$(command -v insitu-mkfs)" -t $type -d - users/image <attr.tar
        mounted $type users/image attributes mnt >got
        diff want got || fail "$type in a user namespace"
    done
fi

# Tars that are none, damaged, cut off, or lead out.
for size in 0 100 700 1536 5000; do
    head -c $size attr.tar >cut.tar
    expect 1 insitu-mkfs -t ext4 -d - new <cut.tar
    says "cut off"
done
head -c 900 attr.tar.gz >cut.gz
expect 1 insitu-mkfs -t ext4 -d - new <cut.gz
tar -P -C attr --transform 's,^./acl,../acl,' -cf evil.tar .
expect 1 insitu-mkfs -t ext4 -d - new <evil.tar
says "leads out of the tree"
tar -C attr -V LABEL -cf labelled.tar .
expect 0 insitu-mkfs -t ext4 -d - image <labelled.tar
mounted ext4 image attributes mnt >got || true
grep -q 'acl 2' got || fail "a tar with a label: $(cat got)"
# Forms of tars, and members that lie: right, or refused by their names.
python3 - <<'P'
import io, tarfile
def write(name, members, form=tarfile.PAX_FORMAT):
    with tarfile.open(name, 'w', format=form) as tar:
        for path, kind, link, headers in members:
            info = tarfile.TarInfo(path)
            info.type, info.linkname, info.mtime = kind, link, 1700000000
            info.pax_headers = headers
            info.size = 1 if kind == tarfile.REGTYPE else 0
            tar.addfile(info, io.BytesIO(b'x'))
file, hard, soft, directory = tarfile.REGTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE
long = '/'.join(['l' * 200] * 4)
write('gnu.tar', [(long, file, '', {}), ('soft', soft, 't' * 300, {})], tarfile.GNU_FORMAT)
write('pax.tar', [(long, file, '', {}), ('soft', soft, 't' * 300, {})])
write('missing.tar', [('a', file, '', {}), ('b', hard, 'nowhere', {})])
write('itself.tar', [('b', hard, 'b', {})])
write('todir.tar', [('d', directory, '', {}), ('b', hard, 'd', {})])
write('out.tar', [('a', file, '', {}), ('b', hard, '../../a', {})])
write('inside.tar', [('a/../b', file, '', {})])
write('through.tar', [('d', soft, '/tmp', {}), ('d/x', file, '', {})])
write('kinds.tar', [('a', file, '', {}), ('a', directory, '', {})])
write('uid.tar', [('a', file, '', {'uid': '4294967296'})])
write('nobody.tar', [('a', file, '', {'gid': '4294967295'})])
write('time.tar', [('a', file, '', {'mtime': 'never'})])
write('size.tar', [('a', file, '', {'size': '99999999999999999999'})])
write('zero.tar', [('a', file, '', {'path': 'a\0b'})])
write('absolute.tar', [('/etc/x', file, '', {}), ('//twice//y', file, '', {}), ('again', hard, '/etc/x', {})])
P
for tar in gnu pax; do
    expect 0 insitu-mkfs -t ext4 -d - image <$tar.tar
    l=$(printf 'l%.0s' {1..200})
    [ "$(mounted ext4 image bash -c "cat mnt/$l/$l/$l/$l; readlink mnt/soft | wc -c")" = x301 ] || fail "$tar: long names"
done
expect 0 insitu-mkfs -t ext4 -d - image <absolute.tar
[ "$(mounted ext4 image bash -c 'cd mnt && cat etc/x twice/y again && stat -c %h again')" = xxx2 ] || fail "absolute names"
refused() { # refused TAR WORDS
    expect 1 insitu-mkfs -t ext4 -d - new <"$1.tar"
    says "$2"
}
refused missing "b: is a link to 'nowhere', which is not a file before it in the tar"
refused itself "b: is a link to 'b', which is not a file before it in the tar"
refused todir "b: is a link to 'd', which is not a file before it in the tar"
refused out "../../a: leads out of the tree"
refused inside "a/../b: leads out of the tree"
refused through "d/x: is below something that is not a directory"
refused kinds "a: is a directory and something else in the same tar"
refused uid "has the uid 4294967296, which no file system holds"
refused nobody "has the gid 4294967295, which no file system holds"
refused time "has the time 'never', which is not a number"
refused size "which is not a number"
refused zero "has a zero in its name"
[ ! -e new ] || fail "a failed run left an image"
[ -z "$(find . -name '.*mkfs-*')" ] || fail "a run left its scratch directory"
