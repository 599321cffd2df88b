#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# rpm.sh [CMAKE OPTIONS...]: builds the RPM packages of apps/packaging/rpm with rpmbuild, looks at what is
# in them, and uses the tools from the unpacked packages. By hand: it compiles everything. On Debian the
# packages that the spec asks for have other names, so they are not checked there.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d "${TMPDIR:-/var/tmp}/insitu-rpm.XXXXXX")
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

version=$(sed -n 's/^project(insitu-tools VERSION \([0-9.]*\).*/\1/p' "$top/CMakeLists.txt")
spec=$top/apps/packaging/rpm/insitu-tools.spec
grep -qx "Version: $version" "$spec" || fail "the spec is of another version than $version"
mkdir -p "$work/SOURCES"
git -C "$top" archive --prefix="insitu-tools-$version/" -o "$work/SOURCES/insitu-tools-$version.tar.gz" HEAD
nodeps=()
[ ! -e /etc/debian_version ] || nodeps=(--nodeps)
options=()
[ $# -eq 0 ] || options=(--define "insitu_options $*") # rpmbuild takes no empty one
rpmbuild -bb "${nodeps[@]}" --define "_topdir $work" "${options[@]}" "$spec" >"$work/log" 2>&1 ||
  fail "rpmbuild: $(tail -n 30 "$work/log")"
! grep -i 'warning: Installed (but unpackaged)' "$work/log" || fail "files that no package has"
for package in insitu-tools insitu-tools-libs insitu-tools-devel insitu-tools-doc nbdkit-insitu-plugin python3-insitu; do
  compgen -G "$work/RPMS/*/$package-$version-*.rpm" >/dev/null || fail "there is no $package"
done
mkdir "$work/root"
for package in "$work"/RPMS/*/*.rpm; do (cd "$work/root" && rpm2cpio "$package" | cpio -idm --quiet); done
cd "$work/root"
for file in usr/bin/insitu-pack usr/sbin/mount.insitu usr/include/insitu.h usr/share/zsh/site-functions/_insitu \
  usr/share/man/man8/insitu-fsck.8.gz usr/lib/udev/rules.d/65-insitu.rules; do
  [ -e "$file" ] || [ -L "$file" ] || fail "no package has $file"
done
library=$(dirname "$(find . -name 'libinsitu.so.0' | head -n 1)")
site=$(dirname "$(find . -path '*site-packages/insitu')")
export LD_LIBRARY_PATH=$PWD/$library PATH=$PWD/usr/bin:$PATH PYTHONDONTWRITEBYTECODE=1
seq 100000 >raw
insitu-pack -q raw image
insitu-fsck -n image
PYTHONPATH=$site python3 -c 'import insitu; assert insitu.check("image").clean'
nbdkit -U - "$(find . -name nbdkit-insitu-plugin.so)" image --run 'test -n "$uri"'
echo "packages: $(cd "$work/RPMS" && stat -c '%n %s' ./*/*.rpm | tr '\n' ' ')"
