// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "insitu/units.hpp"

namespace insitu::test {

// What liblzo2 makes of a stream with room for `output_bytes`; nothing where it refuses it.
std::optional<std::vector<std::byte>> lzo_reference(ByteView stream, std::size_t output_bytes);

// Whether the end of a stream may be a marker with another length than 11 00 00 has, in its token
// or behind it (10 11 00 00): liblzo2 lets it pass, the kernel does not.
bool may_end_oddly(ByteView stream);

}  // namespace insitu::test
