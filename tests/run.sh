#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/run.sh [release] [asan] [tsan] [clang]: installs what is needed, builds, and runs all tests (by
# default in all four builds). Ends with one line, "N passed, M failed".
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
docs/install-packages.sh tests/packages.txt
builds=("$@")
[ ${#builds[@]} -gt 0 ] || builds=(release clang asan tsan)

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

# What each build is for: users' tools with every test; other warnings; memory; threads (the tests
# that have several at work on one thing).
target_of() {
  case $1 in
    release) echo all ;;
    clang) echo product ;;
    asan) echo test_programs ;;
    tsan) echo threaded_test_programs ;;
  esac
}
tests_of() {
  case $1 in
    release) echo . ;;
    clang) ;; # the warnings are what it is for
    asan) echo '_tests?$' ;;
    tsan) echo '^threaded_' ;;
  esac
}

jobs=$(nproc)
for build in "${builds[@]}"; do
  echo "== $build"
  cmake --preset "$build" >/dev/null
  read -ra targets <<<"$(target_of "$build")"
  step "the $build build has no warning" \
    cmake --build "build/$build" -j "$jobs" --target "${targets[@]}" -- -k 0
  tests=$(tests_of "$build")
  if [ -n "$tests" ]; then
    results=$(mktemp)
    ctest --test-dir "build/$build" -j "$jobs" -R "$tests" --output-on-failure \
      --timeout 900 | tee "$results" | grep -vE '^ *Start|^Internal|^Test project' || :
    passed=$((passed + $(grep -cE ' Passed ' "$results" || :)))
    failed=$((failed + $(grep -cE '\*\*\*' "$results" || :)))
    rm -f "$results"
  fi
  if [ "$build" = clang ]; then
    step "clang-tidy on the library" tests/tidy.sh "build/$build"
  fi
done
step "format, shellcheck and the rules of includes" tests/lint.sh
echo "took $((SECONDS / 60)) min"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
