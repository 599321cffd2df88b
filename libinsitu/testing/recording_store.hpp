// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <mutex>
#include <vector>

#include "insitu/internal/store/memory_store.hpp"

namespace insitu {

// A store in memory that remembers what was done to it, in order.
class RecordingStore final : public Store {
  public:
    struct Event {
        std::uint64_t at_byte = 0;
        std::vector<std::byte> bytes;  // none: a sync
        bool is_sync() const noexcept { return bytes.empty(); }
    };

    // Starts from what `start` holds.
    explicit RecordingStore(ByteView start);

    std::uint64_t size_bytes() const override { return medium_.size_bytes(); }
    void read_at(std::uint64_t at_byte, ByteSpan output) const override;
    void write_at(std::uint64_t at_byte, ByteView input) override;
    void zero(std::uint64_t at_byte, std::uint64_t length_bytes) override;
    // Destroys the content: whoever still needs it shall be found out.
    void discard(std::uint64_t at_byte, std::uint64_t length_bytes) override;
    void sync() override;

    std::size_t event_count() const;
    const std::vector<Event>& events() const noexcept { return events_; }

  private:
    mutable std::mutex mutex_;
    MemoryStore medium_;
    std::vector<Event> events_;
};

}  // namespace insitu
