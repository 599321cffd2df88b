// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <vector>

#include "pack/read_only_store.hpp"

namespace insitu::apps {

// A disk of which some ranges come from elsewhere, for reading.
class PatchedDisk final : public ReadOnlyStore {
  public:
    // `below` outlives it.
    explicit PatchedDisk(const Store& below) : ReadOnlyStore(below.name()), below_(below) {}
    explicit PatchedDisk(const Store&& below) = delete;

    // The bytes from `at_byte` on are those of `part`. Inside the disk, and apart from all other
    // parts. Not thread-safe.
    void add(std::uint64_t at_byte, std::unique_ptr<Store> part);

    std::uint64_t size_bytes() const override { return below_.size_bytes(); }
    std::uint64_t present_size_bytes() const override { return below_.present_size_bytes(); }
    void read_at(std::uint64_t at_byte, ByteSpan output) const override;
    std::uint64_t next_data(std::uint64_t at_byte) const override;
    std::uint64_t next_hole(std::uint64_t at_byte) const override;

  private:
    struct Part {
        std::uint64_t at_byte;
        std::unique_ptr<Store> store;
        std::uint64_t end_byte() const { return at_byte + store->size_bytes(); }
    };
    // The part that holds a byte or is the next one; null: none.
    const Part* part_at_or_after(std::uint64_t at_byte) const noexcept;
    // The next data or hole, by which of the two `find` looks for.
    std::uint64_t next(std::uint64_t at_byte,
                       std::uint64_t (Store::*find)(std::uint64_t) const) const;

    const Store& below_;
    std::vector<Part> parts_;  // rising
};

}  // namespace insitu::apps
