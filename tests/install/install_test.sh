#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What `cmake --install` puts where, and a program that is built against it and nothing else: by its
# CMake package and by pkg-config.
# shellcheck source=../cli/lib.sh
. "$INSITU_TESTS/cli/lib.sh"

run 0 cmake --install "$INSITU_BUILD" --prefix "$work/usr"
for file in bin/insitu-pack bin/insitu-unpack bin/insitu-format bin/insitu-stat bin/insitu-dump-meta \
  include/insitu/pack.hpp; do
  check "$file is installed" [ -e "usr/$file" ]
done
libdir=$(dirname "$(find usr -name 'libinsitu.so.0' | head -n1)")
check "the library is installed" [ -n "$libdir" ]

content raw $((4 * 1048576))
run 0 cmake -S "$INSITU_TESTS/install/consumer" -B by-cmake -DCMAKE_PREFIX_PATH="$work/usr"
run 0 cmake --build by-cmake
run 0 env LD_LIBRARY_PATH="$libdir" by-cmake/consumer raw a.img a.raw
check "the consumer packs and unpacks" cmp raw a.raw

flags=$(PKG_CONFIG_PATH="$libdir/pkgconfig" pkg-config --cflags --libs insitu)
# shellcheck disable=SC2086
run 0 c++ -std=c++20 "$INSITU_TESTS/install/consumer/main.cpp" -o by-pkg-config $flags
run 0 env LD_LIBRARY_PATH="$libdir" ./by-pkg-config raw b.img b.raw
check "and so does the one of pkg-config" cmp a.img b.img

# A device that held something else.
truncate -s 5M disk
loop disk
tr '\0' '\21' </dev/zero | head -c 5M >"$loop"
run 0 env LD_LIBRARY_PATH="$libdir" by-cmake/consumer raw "$loop" d.raw
check "and on a used block device" cmp -n 4194304 raw d.raw
run 0 insitu-fsck "$loop"

# The installed tools find their library by themselves.
run 0 env LD_LIBRARY_PATH="$libdir" usr/bin/insitu-unpack a.img c.raw
check "the installed tool works" cmp raw c.raw

# What the README says of a prefix of one's own: the plugin is used by its path, and the helpers of
# mount, umount, fsck and mkfs, the Python module and the entry for file(1) are in these places.
plugin=$libdir/nbdkit/plugins/nbdkit-insitu-plugin.so
if [ -e "$INSITU_BUILD/apps/nbdkit/nbdkit-insitu-plugin.so" ]; then
  run 0 env LD_LIBRARY_PATH="$libdir" nbdkit -U - -r "$plugin" a.img --run true
fi
for helper in mount umount fsck mkfs; do
  check "$helper.insitu is installed" [ -x "usr/sbin/$helper.insitu" ]
done
run 0 env LD_LIBRARY_PATH="$libdir" PYTHONPATH="$work/usr/lib/python3/dist-packages" python3 -c 'import insitu'
run 0 file -m usr/share/insitu-tools/insitu.magic a.img
says out "insitu-comp image"
