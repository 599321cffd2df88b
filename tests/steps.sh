# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What scripts share that are run by hand and take long: steps, counted in `passed` and `failed`. The
# caller sets `subject`, what the steps are about, and `work`, where their logs go.
passed=0
failed=0

step() { # step TEXT COMMAND...: one line; the end of the output if it fails
  local text="${subject:?}: $1" began=$SECONDS log
  shift
  log=${work:?}/$(tr -cs 'a-z0-9\n' - <<<"${text,,}").log
  if "$@" >"$log" 2>&1; then
    passed=$((passed + 1))
    echo "ok      $text ($((SECONDS - began)) s)"
  else
    failed=$((failed + 1))
    echo "FAILED  $text ($((SECONDS - began)) s; $log)"
    tail -n 40 "$log"
    return 1
  fi
}
