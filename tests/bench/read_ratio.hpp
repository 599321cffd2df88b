// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

// Random reads of 4 KiB from what is mapped of an image, one thread, in the page cache: by a Device
// over a store, and by open_image() with its own defaults and with the decode cache of a Device.
// The three read the same blocks in each round and take turns. Prints medians of `rounds` rounds:
// reads a CPU second, and the CPU time of each as a ratio to the Device in the same round.
int print_read_ratio(const std::string& image, unsigned reads, unsigned rounds);
