// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>

#include "insitu/internal/store/unique_fd.hpp"

namespace insitu::apps {

// A file system in a file, read (and patched) by its bytes. Not thread-safe.
class ImageBytes {
  public:
    enum class Mode { read, write };
    // Throws an `io` Error.
    ImageBytes(const std::string& file, Mode mode);

    std::uint64_t size_bytes() const noexcept { return size_bytes_; }
    // Throws an `io` Error, and a `damaged` one beyond the end.
    std::string read(std::uint64_t at_byte, std::uint64_t length_bytes) const;
    void write(std::uint64_t at_byte, const std::string& bytes) const;

  private:
    std::string file_;
    UniqueFd fd_;
    std::uint64_t size_bytes_ = 0;
};

// Numbers in bytes that were read. Beyond the end of `bytes` they are a `damaged` Error.
std::uint64_t little(const std::string& bytes, std::size_t at, int length);
std::uint64_t big(const std::string& bytes, std::size_t at, int length);
void put_little(std::string& bytes, std::size_t at, int length, std::uint64_t value);
void put_big(std::string& bytes, std::size_t at, int length, std::uint64_t value);
// The same check for a part of it.
std::string part(const std::string& bytes, std::size_t at, std::size_t length);

// CRC-32C as file systems use it: with ones at the start and inverted at the end.
std::uint32_t crc32c(const std::string& bytes, std::uint32_t start = ~0U) noexcept;

[[noreturn]] void bad_image(const std::string& what);

}  // namespace insitu::apps
