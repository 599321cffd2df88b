// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <limits>

#include "insitu/store.hpp"

namespace insitu {

// A store that fails on purpose, for tests: the n-th write or sync and all after it, or every read
// that touches a range. The failing write leaves nothing or a part of it behind.
class FaultStore final : public Store {
  public:
    // `below` outlives it.
    explicit FaultStore(Store& below) : Store(below.name()), below_(below) {}

    static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

    // Writes (and zeros, and syncs) from number `first_failing` on, counted from 0, throw an `io`
    // error of `os_error`; the first failing write still stores its first `torn_bytes` bytes.
    void fail_writes(std::uint64_t first_failing, int os_error, std::uint64_t torn_bytes = 0);
    // As a full disk does: writes below `from_byte` and syncs neither fail nor count.
    void spare(std::uint64_t from_byte) noexcept { spared_bytes_ = from_byte; }
    // Reads that overlap [at_byte, at_byte + length_bytes) throw an `io` error of EIO.
    void fail_reads(std::uint64_t at_byte, std::uint64_t length_bytes);

    // Writes, zeros and syncs so far, failed ones included.
    std::uint64_t writes() const noexcept { return writes_.load(); }

    std::uint64_t size_bytes() const override { return below_.size_bytes(); }
    void read_at(std::uint64_t at_byte, ByteSpan output) const override;
    void write_at(std::uint64_t at_byte, ByteView input) override;
    void zero(std::uint64_t at_byte, std::uint64_t length_bytes) override;
    void discard(std::uint64_t at_byte, std::uint64_t length_bytes) override;
    void sync() override;
    std::uint64_t next_data(std::uint64_t at_byte) const override;
    std::uint64_t next_hole(std::uint64_t at_byte) const override;
    std::size_t alignment_bytes() const noexcept override { return below_.alignment_bytes(); }

  private:
    // Counts one operation; the bytes of it that are still to be stored, `never` for all.
    std::uint64_t admit();
    [[noreturn]] void fail(std::uint64_t at_byte, const char* what) const;

    Store& below_;
    std::atomic<std::uint64_t> writes_ = 0;
    std::uint64_t first_failing_ = never;
    std::uint64_t torn_bytes_ = 0;
    std::uint64_t spared_bytes_ = 0;
    int os_error_ = 0;
    std::uint64_t bad_at_byte_ = 0;
    std::uint64_t bad_length_bytes_ = 0;
};

}  // namespace insitu
