#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tidy.sh [all]: clang-tidy over 24 sources of library and tools: of what the last commit
# changed as many as that, then others, with each commit different ones; `all`: over every file. A
# warning is an error.
set -eu
cd "$(dirname "$0")/.."
# Each source is looked at by itself.
build=build/tidy
cmake --preset asan -B "$build" -DINSITU_GROUP_SOURCES=OFF -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON >/dev/null
commit=$(git rev-parse HEAD)
most=24
[ "${1-}" != all ] || most=-0

candidates() { # "TURN FILE" of each source: those of the last commit have the first turns
  local file turn
  while read -r file; do
    # What this build left out (the nbdkit plugin, if nbdkit's headers are missing) cannot be read.
    grep -qF "/$file\"" "$build/compile_commands.json" || continue
    turn=$(cksum <<<"$commit $file")
    turn=${turn%% *}
    ! grep -qxF "$file" <<<"$changed" || turn=0
    echo "$turn $file"
  done
}

changed=$(git log -1 --format= --name-only)
git ls-files 'libinsitu/src/*.cpp' 'apps/*.cpp' | candidates | sort -n | head -n "$most" | cut -d' ' -f2 |
  tr '\n' '\0' | xargs -0 -n 4 -P "$(nproc)" clang-tidy --quiet -p "$build"
