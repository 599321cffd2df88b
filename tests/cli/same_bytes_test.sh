#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck source=lib.sh
. "$INSITU_TESTS/cli/lib.sh"

# One image whatever the CPU can do: the models differ in the vector units that libraries look for.
if [ "$(uname -m)" != x86_64 ]; then
  echo "the CPU models are those of x86_64; this is $(uname -m)"
  pass
  exit 0
fi

# Code, text, uneven bytes and random ones: what the encoders tell apart.
{
  head -c 600000 "$(command -v insitu-pack)"
  cat "$INSITU_TESTS"/cli/*.sh "$INSITU_TESTS"/unit/codec/*.cpp
  openssl enc -aes-128-ctr -nosalt -K 0f0e0d0c0b0a09080706050403020100 \
    -iv 00000000000000000000000000000000 </dev/zero 2>/dev/null | head -c 300000 | tee random
  base64 random
} >source

for alg in "lzo" "deflate" "deflate --window 32K"; do
  for level in fast default best; do
    # shellcheck disable=SC2086
    run 0 insitu-pack --alg $alg --level $level source native.img
    for cpu in Nehalem Haswell max; do
      # shellcheck disable=SC2086
      run 0 qemu-x86_64 -cpu $cpu "$(command -v insitu-pack)" --alg $alg --level $level source other.img
      check "$alg, $level: the same bytes on $cpu" cmp native.img other.img
    done
  done
done

# The golden streams of the unit tests, which every build checks, come out on each model, too.
for cpu in Nehalem Haswell max; do
  check "golden streams on $cpu" \
    qemu-x86_64 -cpu $cpu "$INSITU_BUILD/tests/unit/unit_tests" "[golden-streams]"
done
