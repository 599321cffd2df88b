#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# install-packages.sh LIST: installs the Debian packages that a file names, one a line, `#` for
# comments. Does nothing where all are there. Needs root or sudo only where some are missing.
set -eu
mapfile -t packages < <(sed 's/#.*//; s/[[:space:]]//g; /^$/d' "$1")
missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
    missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null ||
    { echo "install these as root first: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
as_root+=(env DEBIAN_FRONTEND=noninteractive)
echo "installing: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${as_root[@]}" apt-get -q update &&
       "${as_root[@]}" apt-get -q -y -o Dpkg::Use-Pty=0 install --no-install-recommends \
         "${missing[@]}"; } >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
