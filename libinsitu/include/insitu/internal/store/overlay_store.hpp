// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <mutex>
#include <vector>

#include "insitu/store.hpp"

namespace insitu {

// A store whose writes stay in memory: the one below is never changed. For dry runs of small
// changes; memory grows with what is written, by whole blocks.
class INSITU_API OverlayStore final : public Store {
  public:
    // `below` outlives the overlay.
    explicit OverlayStore(const Store& below);
    explicit OverlayStore(const Store&& below) = delete;

    std::uint64_t size_bytes() const override { return below_.size_bytes(); }
    void read_at(std::uint64_t at_byte, ByteSpan output) const override;
    void write_at(std::uint64_t at_byte, ByteView input) override;
    void zero(std::uint64_t at_byte, std::uint64_t length_bytes) override;
    void sync() override {}
    std::uint64_t present_size_bytes() const override { return below_.present_size_bytes(); }
    // Holes of the store below that nothing was written into are holes.
    std::uint64_t next_data(std::uint64_t at_byte) const override;
    std::uint64_t next_hole(std::uint64_t at_byte) const override;
    std::optional<std::uint64_t> allocated_bytes() const override {
        return below_.allocated_bytes();
    }
    std::size_t alignment_bytes() const noexcept override { return below_.alignment_bytes(); }
    void drop_cache() const override { below_.drop_cache(); }

    // Bytes of blocks that differ from the store below, or may.
    std::uint64_t changed_bytes() const;

  private:
    using Block = std::vector<std::byte>;
    template <class Visit>
    void visit_blocks(std::uint64_t at_byte, std::uint64_t length_bytes, Visit visit) const;
    Block& block_for_write(std::uint64_t index);

    const Store& below_;
    mutable std::mutex mutex_;
    std::map<std::uint64_t, Block> blocks_;
};

}  // namespace insitu
