#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/fuzz/run.sh SECONDS [TARGET...]: builds the fuzzers with clang and runs each target (by
# default all) for so long, from tests/fuzz/corpus. What they find stays in build/fuzz/found; the
# inputs that they keep in build/fuzz/corpus.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
seconds=${1:?usage: run.sh SECONDS [TARGET...]}
shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] ||
  targets=(super_block window_map payload lzo deflate lzo_encode deflate_encode intent undo_log manifest repair)
cd "$top"
cmake --preset fuzz >/dev/null
cmake --build build/fuzz -j "$(nproc)" --target fuzzers >/dev/null
failed=0
for target in "${targets[@]}"; do
  work=build/fuzz/corpus/$target
  mkdir -p "$work" build/fuzz/found
  if "build/fuzz/tests/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=1024 \
    -max_len=65536 -artifact_prefix="build/fuzz/found/$target-" "$work" "tests/fuzz/corpus/$target" \
    >"build/fuzz/$target.log" 2>&1; then
    echo "ok      $target: $(grep -c . "build/fuzz/$target.log") lines," \
      "$(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "build/fuzz/$target.log") runs"
  else
    failed=1
    echo "FAILED  $target: build/fuzz/$target.log"
    tail -n 20 "build/fuzz/$target.log"
  fi
done
exit $failed
