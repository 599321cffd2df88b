// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <string>

#include "insitu/internal/store/aligned_buffer.hpp"
#include "insitu/internal/store/write_queue.hpp"
#include "store/lowest_failure.hpp"
#include "store/nbd_connection.hpp"

namespace insitu {

// Writes over a connection of its own, several at a time.
class NbdWriteQueue final : public WriteQueue {
  public:
    NbdWriteQueue(const std::string& uri, StopScope::Stopped stopped);
    // What is under way is given up.
    ~NbdWriteQueue() override = default;

    void write_at(std::uint64_t at_byte, ByteView input) override;
    void finish() override;

  private:
    static constexpr std::size_t depth = 16;
    struct Slot {
        std::uint64_t at_byte = 0;
        std::int64_t cookie = 0;  // 0: free
    };

    void submit(std::uint64_t at_byte, ByteView input);
    Slot& free_slot();
    // Waits until one is done at least.
    void reap();
    void failed(Slot& slot);

    std::string name_;
    std::array<Slot, depth> slots_{};
    AlignedBuffer memory_;
    LowestFailure failure_;
    NbdConnection connection_;  // last: it uses the memory until it is closed
};

}  // namespace insitu
