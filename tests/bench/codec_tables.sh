#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/bench/codec_tables.sh RAW [STRIDE [ROUNDS]]: measures every level beside the encoders of others
# and puts the tables into docs/performance.md, and their curves into docs/pictures. Needs the packages of tests/bench/packages.txt.
set -eu
export LC_ALL=C
top=$(cd "$(dirname "$0")/../.." && pwd)
cmake -S "$top" -B "$top/build/bench" -G Ninja -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake --build "$top/build/bench" --target insitu-bench >/dev/null
tables=$(mktemp)
page=$(mktemp)
trap 'rm -f "$tables" "$page"' EXIT
"$top/build/bench/tests/bench/insitu-bench" codecs "$@" >"$tables"
awk -v tables="$tables" '
  /^<!-- end of the tables of codecs -->/ { inside = 0 }
  !inside { print }
  /^<!-- tables of codecs, by/ {
    inside = 1
    print ""
    while ((getline line <tables) > 0) print line
    print ""
  }' "$top/docs/performance.md" >"$page"
cat "$page" >"$top/docs/performance.md"
python3 "$top/tests/bench/curves.py" "$top/docs/performance.md" "$top/docs/pictures"
