// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/store/null_store.hpp"

#include <cstring>

namespace insitu {

void NullStore::read_at(std::uint64_t, ByteSpan output) const {
    std::memset(output.data(), 0, output.size());
}

}  // namespace insitu
