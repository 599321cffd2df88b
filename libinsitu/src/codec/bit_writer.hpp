// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "codec/byte_words.hpp"
#include "insitu/units.hpp"

namespace insitu {

// Writes bits, the lowest first, into a span. What does not fit is dropped and counted: nothing is
// ever written outside.
class BitWriter {
  public:
    BitWriter() = default;
    explicit BitWriter(ByteSpan output) noexcept
        : begin_(reinterpret_cast<unsigned char*>(output.data())),
          out_(begin_),
          end_(begin_ + output.size()) {}

    // Up to so many bits may be added between two calls of flush().
    static constexpr unsigned bits_between_flushes = 56;

    void add(std::uint64_t bits, unsigned count) noexcept {
        bits_ |= bits << count_;
        count_ += count;
    }

    // Moves whole bytes to the output.
    void flush() noexcept {
        if (end_ - out_ < static_cast<std::ptrdiff_t>(sizeof bits_)) [[unlikely]] {
            return flush_near_end();
        }
        flush_inside();
    }

    // The same if has_room() of all bits that come.
    void flush_inside() noexcept {
        store_u64(out_, bits_);
        out_ += count_ >> 3;
        bits_ >>= count_ & 56U;
        count_ &= 7U;
    }
    bool has_room(std::uint64_t bits) const noexcept {
        return (bits + count_) / 8 + sizeof bits_ <= static_cast<std::size_t>(end_ - out_);
    }

    // Zero bits up to the next byte.
    void align() noexcept {
        count_ = (count_ + 7U) & ~7U;
        flush();
    }

    // Whole bytes, after align().
    void copy(const unsigned char* from, std::size_t count) noexcept {
        if (static_cast<std::size_t>(end_ - out_) < count) {
            full_ = true;
            return;
        }
        std::memcpy(out_, from, count);
        out_ += count;
    }

    bool full() const noexcept { return full_; }
    // Of the finished stream, after align().
    std::size_t size_bytes() const noexcept { return static_cast<std::size_t>(out_ - begin_); }
    std::uint64_t size_bits() const noexcept { return 8 * size_bytes() + count_; }

  private:
    void flush_near_end() noexcept {
        for (; count_ >= 8; count_ -= 8, bits_ >>= 8) {
            if (out_ == end_) {
                full_ = true;
            } else {
                *out_++ = static_cast<unsigned char>(bits_);
            }
        }
    }

    unsigned char* begin_ = nullptr;
    unsigned char* out_ = nullptr;
    unsigned char* end_ = nullptr;
    std::uint64_t bits_ = 0;
    unsigned count_ = 0;
    bool full_ = false;
};

}  // namespace insitu
