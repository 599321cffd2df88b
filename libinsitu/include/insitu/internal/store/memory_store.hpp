// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "insitu/store.hpp"

namespace insitu {

// A device in memory. Filled with 0xcc, so that what relies on zeros is found out.
class INSITU_API MemoryStore final : public Store {
  public:
    explicit MemoryStore(std::uint64_t size_bytes, std::byte fill = std::byte{0xcc},
                         std::string name = "memory");

    std::uint64_t size_bytes() const override { return bytes_.size(); }
    void read_at(std::uint64_t at_byte, ByteSpan output) const override;
    void write_at(std::uint64_t at_byte, ByteView input) override;
    void zero(std::uint64_t at_byte, std::uint64_t length_bytes) override;
    void sync() override {}

    ByteSpan bytes() noexcept { return bytes_; }
    ByteView bytes() const noexcept { return bytes_; }

  private:
    ByteSpan range(std::uint64_t at_byte, std::uint64_t length_bytes) const;

    mutable std::vector<std::byte> bytes_;
};

}  // namespace insitu
