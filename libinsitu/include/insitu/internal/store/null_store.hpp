// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "insitu/store.hpp"

namespace insitu {

// A target of any size that keeps nothing, for measuring: reads give zeros.
class INSITU_API NullStore : public Store {
  public:
    explicit NullStore(std::uint64_t size_bytes, std::string name = "(nothing is written)")
        : Store(std::move(name)), size_bytes_(size_bytes) {}

    std::uint64_t size_bytes() const override { return size_bytes_; }
    void read_at(std::uint64_t at_byte, ByteSpan output) const override;
    void write_at(std::uint64_t, ByteView) override {}
    void zero(std::uint64_t, std::uint64_t) override {}
    void sync() override {}

  private:
    std::uint64_t size_bytes_;
};

}  // namespace insitu
