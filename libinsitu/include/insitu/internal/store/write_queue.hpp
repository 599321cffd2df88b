// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

#include "insitu/internal/api.hpp"
#include "insitu/units.hpp"

namespace insitu {

// Writes to a store that may still be under way when write_at() returns. Not thread-safe: one a
// thread. Made by Store::write_queue(); the store outlives it.
class INSITU_API WriteQueue {
  public:
    WriteQueue() = default;
    virtual ~WriteQueue();
    WriteQueue(const WriteQueue&) = delete;
    WriteQueue& operator=(const WriteQueue&) = delete;

    // The same as Store::write_at(), but an error may come from finish() only. `input` may change
    // once this has returned.
    virtual void write_at(std::uint64_t at_byte, ByteView input) = 0;
    // Returns when everything is written. Throws the error of the lowest place; the queue can be
    // used again in any case.
    virtual void finish() = 0;
};

}  // namespace insitu
