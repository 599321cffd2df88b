// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

#include "insitu/internal/api.hpp"
#include "insitu/internal/format/window_map.hpp"
#include "insitu/units.hpp"

namespace insitu {

// The logical content of one window, and how it is cut into extents.
struct ContentWindow {
    WindowIndex window;
    ByteView content;                // whole blocks
    std::uint64_t source_bytes = 0;  // of them; behind these the last block is padded with zeros
    const WindowMap* map = nullptr;
};

// Receives content while an operation goes on: in rising order, from one thread at a time, never
// the same window twice. What lies between two windows, and behind the last one, is zeros. An Error
// thrown here ends the operation.
class INSITU_API ContentSink {
  public:
    virtual ~ContentSink();
    virtual void window(const ContentWindow& window) = 0;
};

}  // namespace insitu
