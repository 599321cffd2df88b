#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tidy.sh BUILD [all]: clang-tidy over the sources of library and tools that the last 20 commits changed,
# and over a third of the others, which is another one with each commit; `all`: over every file. A
# warning is an error.
set -eu
build=$(realpath "$1")
cd "$(dirname "$0")/.."
changed=$(git log -20 --format= --name-only 2>/dev/null | sort -u)
commit=$(git rev-list --count HEAD)
third() { # FILE: whether it is this commit's turn
  local sum
  sum=$(cksum <<<"$1")
  [ $(((${sum%% *} + commit) % 3)) -eq 0 ]
}
git ls-files 'libinsitu/src/*.cpp' 'apps/*.cpp' | while read -r file; do
  # What this build left out (the nbdkit plugin, if nbdkit's headers are missing) cannot be read.
  grep -qF "/$file\"" "$build/compile_commands.json" || continue
  if [ "${2-}" = all ] || grep -qxF "$file" <<<"$changed" || third "$file"; then
    printf '%s\0' "$file"
  fi
done | xargs -0 -n 4 -P "$(nproc)" clang-tidy --quiet -p "$build"
