#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/fsck/soak.sh ROUNDS [SEED]: the property test of fsck with ROUNDS times as many images as CI
# makes (130 each; 800 flips of bits in sealed streams), from another seed. A failure names the image; INSITU_FIRST=N begins with it.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
rounds=${1:?usage: soak.sh ROUNDS [SEED]}
seed=${2:-$RANDOM}
cd "$top"
cmake --preset release >/dev/null
cmake --build build/release -j "$(nproc)" --target fsck_property_test fsck_seal_test >/dev/null
INSITU_ROUNDS=$rounds build/release/tests/fsck/fsck_seal_test --rng-seed "$seed"
INSITU_ROUNDS=$rounds exec build/release/tests/fsck/fsck_property_test --rng-seed "$seed"
