// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "insitu/error.hpp"
#include "insitu/store.hpp"

namespace insitu::test {

// As ==, which takes bytes one by one: a second for a few megabytes under a sanitizer.
inline bool same_bytes(ByteView a, ByteView b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size()) == 0;
}

// A device in memory that can change its size, for repairs that give a file another.
class TestDevice final : public Store {
  public:
    explicit TestDevice(std::vector<std::byte> bytes = {})
        : Store("device"), bytes_(std::move(bytes)) {}

    std::uint64_t size_bytes() const override { return bytes_.size(); }
    void read_at(std::uint64_t at_byte, ByteSpan output) const override {
        check(at_byte, output.size());
        if (at_byte < bad_end_ && bad_at_ < at_byte + output.size()) {
            throw io_error({.file = name(), .byte = at_byte}, "cannot read", EIO);
        }
        std::memcpy(output.data(), bytes_.data() + at_byte, output.size());
    }
    void write_at(std::uint64_t at_byte, ByteView input) override {
        check(at_byte, input.size());
        std::memcpy(bytes_.data() + at_byte, input.data(), input.size());
    }
    void zero(std::uint64_t at_byte, std::uint64_t length_bytes) override {
        check(at_byte, length_bytes);
        std::memset(bytes_.data() + at_byte, 0, length_bytes);
    }
    void sync() override {}

    void resize(std::uint64_t size_bytes) { bytes_.resize(size_bytes); }
    // Reads of these bytes fail from now on.
    void make_unreadable(std::uint64_t at_byte, std::uint64_t length_bytes) {
        bad_at_ = at_byte;
        bad_end_ = at_byte + length_bytes;
    }
    std::vector<std::byte>& bytes() noexcept { return bytes_; }
    const std::vector<std::byte>& bytes() const noexcept { return bytes_; }

  private:
    void check(std::uint64_t at_byte, std::uint64_t length_bytes) const {
        if (at_byte <= bytes_.size() && length_bytes <= bytes_.size() - at_byte) return;
        throw Error(ErrorKind::damaged, {.file = name(), .byte = at_byte}, "behind the end");
    }

    std::vector<std::byte> bytes_;
    std::uint64_t bad_at_ = 0;
    std::uint64_t bad_end_ = 0;
};

}  // namespace insitu::test
