// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

// The same reads and writes as packing `source` (lzo, 128K) or unpacking `image` into `target`, in
// the same sizes and at the same places, with the final sync, but without the codec: what the
// system takes in any case. One thread. Prints a row.
int replay_pack(const std::string& source, const std::string& target);
int replay_unpack(const std::string& image, const std::string& target);
