#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# soak.sh BUILD [FIRST [COUNT]]: 504 trees (63 seeds of each type) of the tools in BUILD/apps, and then one
# of 50,000 entries for each type. Needs root, and the better part of an hour.
set -eu
build=$(cd "$1" && pwd)
tests=$(cd "$(dirname "$0")/.." && pwd)
export INSITU_TOOLS=$build/apps INSITU_TESTS=$tests TREES_TIMEOUT=36000
bash "$tests/mkfs/trees.sh" "${2:-5000}" "${3:-63}"
bash "$tests/mkfs/trees.sh" --entries 50000 "${2:-5000}" 1
