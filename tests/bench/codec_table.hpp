// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

// Every level of ours beside the encoders of others, on the same runs of blocks in one run: the
// blocks that are not zeros of each `stride`-th window of `source`. The candidates take turns;
// speeds are medians of `rounds` rounds, as a ratio to lzo1x_1 in the same round. Prints tables as
// they are in docs/performance.md. One thread.
int print_codec_tables(const std::string& source, unsigned stride, unsigned rounds);
