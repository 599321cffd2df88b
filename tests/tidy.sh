#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tidy.sh BUILD: clang-tidy over every source file of the library; a warning is an error.
set -eu
cd "$(dirname "$0")/.."
find libinsitu/src -name '*.cpp' -print0 |
  xargs -0 -n 4 -P "$(nproc)" clang-tidy --quiet -p "$1"
