#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# soak.sh BUILD [FIRST [COUNT]]: 504 trees (63 seeds of each type) of the tools in BUILD/apps. Needs
# root, and the better part of an hour.
set -eu
build=$(cd "$1" && pwd)
tests=$(cd "$(dirname "$0")/.." && pwd)
INSITU_TOOLS=$build/apps INSITU_TESTS=$tests TREES_TIMEOUT=36000 \
    exec bash "$tests/mkfs/trees.sh" "${2:-5000}" "${3:-63}"
