// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <functional>
#include <mutex>

#include "insitu/store.hpp"

namespace insitu {

// A store over another that writes only the sectors of 512 bytes which differ: whoever writes a
// whole image to it changes no more than has to be. Reading to compare is what it costs.
class INSITU_API DifferenceStore final : public Store {
  public:
    // `before_change` is called once, before the first write that changes something. `below`
    // outlives this.
    DifferenceStore(Store& below, std::function<void()> before_change);

    // So far, of what was to be written.
    std::uint64_t compared_bytes() const noexcept { return compared_bytes_; }
    std::uint64_t written_bytes() const noexcept { return written_bytes_; }

    std::uint64_t size_bytes() const override { return below_.size_bytes(); }
    std::uint64_t present_size_bytes() const override { return below_.present_size_bytes(); }
    void read_at(std::uint64_t at_byte, ByteSpan output) const override;
    void write_at(std::uint64_t at_byte, ByteView input) override;
    void zero(std::uint64_t at_byte, std::uint64_t length_bytes) override;
    // Does nothing: what is there may be wanted.
    void discard(std::uint64_t at_byte, std::uint64_t length_bytes) override;
    // Only if something was written.
    void sync() override;
    void start_writeback(std::uint64_t at_byte, std::uint64_t length_bytes) override;
    std::uint64_t next_data(std::uint64_t at_byte) const override;
    std::uint64_t next_hole(std::uint64_t at_byte) const override;
    std::optional<std::uint64_t> allocated_bytes() const override;
    std::optional<std::uint64_t> free_bytes() const override { return below_.free_bytes(); }
    std::size_t alignment_bytes() const noexcept override { return below_.alignment_bytes(); }
    void drop_cache() const override { below_.drop_cache(); }

  private:
    void write_difference(std::uint64_t at_byte, ByteView input);

    Store& below_;
    std::function<void()> before_change_;
    std::once_flag changed_;
    std::atomic<std::uint64_t> compared_bytes_{0};
    std::atomic<std::uint64_t> written_bytes_{0};
};

}  // namespace insitu
