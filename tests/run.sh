#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/run.sh [release] [asan] [tsan]: installs what is needed, builds, and runs all tests (by
# default in all three builds, and the streams of another architecture). Ends with one line, "N passed, M failed".
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
docs/install-packages.sh tests/packages.txt
builds=("$@")
[ ${#builds[@]} -gt 0 ] || builds=(release asan tsan)

# The packages for another architecture come while this one is tested. It is left out after so many
# seconds: all of this is to end within 20 minutes.
enough=1080
fetching=
fetched=$(mktemp)
if [ ${#builds[@]} -gt 1 ]; then
  nice -n 19 timeout 900 tests/portability.sh in-turn fetch >"$fetched" 2>&1 &
  fetching=$!
fi

passed=0
failed=0
step() { # step TEXT COMMAND...: one more test, whose output is shown where it fails
  local text=$1 log began=$SECONDS
  shift
  log=$(mktemp)
  if "$@" >"$log" 2>&1; then
    passed=$((passed + 1))
    echo "ok      $text ($((SECONDS - began)) s)"
  else
    failed=$((failed + 1))
    echo "FAILED  $text ($((SECONDS - began)) s)"
    tail -n 200 "$log"
  fi
  rm -f "$log"
}

# What each build is for: users' tools with every test; another compiler's warnings, and memory, in
# library and tools; threads (the tests that have several at work on one thing, and tools that do).
target_of() {
  case $1 in
    release) echo all ;;
    asan) echo product test_programs ;;
    tsan) echo threaded_test_programs insitu-pack insitu-unpack insitu-fsck insitu-copy ;;
  esac
}
tests_of() {
  case $1 in
    release) echo . ;;
    asan) echo "_tests?\$|^cli_($sanitized_tools)\$|^fsck_tool\$" ;;
    tsan) echo '^threaded_|^cli_threads$' ;;
  esac
}

# While tests of one build run, which often wait, the next build has what they leave of the machine.
# What it cannot compile is reported later, when it is built to the end.
early=
begin_early() { # BUILD
  local targets
  cmake --preset "$1" >/dev/null
  read -ra targets <<<"$(target_of "$1")"
  nice -n 19 ninja -C "build/$1" -j 1 -k 0 "${targets[@]}" >/dev/null 2>&1 &
  early=$!
}
end_early() {
  [ -n "$early" ] || return 0
  kill "$early" 2>/dev/null || :
  wait "$early" || :
  early=
}
end() {
  end_early
  [ -z "$fetching" ] || kill "$fetching" 2>/dev/null || :
  rm -f "$fetched"
}
trap end EXIT

# Shell tests of every tool but the largest.
sanitized_tools='format|label|stat|dump_meta|copy|delta|update|trim|hostile|map'
# A tool that a sanitizer ends has a status that no test expects.
export ASAN_OPTIONS=exitcode=99 UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=exitcode=99

jobs=$(nproc)
for index in "${!builds[@]}"; do
  build=${builds[index]}
  next=${builds[index + 1]-}
  echo "== $build"
  cmake --preset "$build" >/dev/null
  read -ra targets <<<"$(target_of "$build")"
  step "the $build build has no warning" \
    cmake --build "build/$build" -j "$jobs" --target "${targets[@]}" -- -k 0
  tests=$(tests_of "$build")
  if [ -n "$tests" ]; then
    results=$(mktemp)
    [ -z "$next" ] || begin_early "$next"
    ctest --test-dir "build/$build" -j "$jobs" -R "$tests" --output-on-failure \
      --timeout 900 | tee "$results" | grep -vE '^ *Start|^Internal|^Test project' || :
    end_early
    passed=$((passed + $(grep -cE ' Passed ' "$results" || :)))
    failed=$((failed + $(grep -cE '\*\*\*' "$results" || :)))
    rm -f "$results"
  fi
  [ "$build" != release ] || step "the tests notice mistakes" tests/mistakes/run.sh --sample 3
  if [ "$build" = asan ]; then
    step "clang-tidy on a part of the sources" tests/tidy.sh
  fi
done
if [ -n "$fetching" ]; then
  if [ $SECONDS -gt $enough ]; then
    echo "left out: another architecture, since all this took long"
    kill "$fetching" 2>/dev/null || :
  elif wait "$fetching"; then
    step "the same streams and layouts on $(tests/portability.sh in-turn name)" tests/portability.sh in-turn
  else
    echo "left out: another architecture, whose packages cannot be had"
    tail -n 20 "$fetched"
  fi
  fetching=
fi
step "format, shellcheck and the rules of includes" tests/lint.sh
echo "took $((SECONDS / 60)) min"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
