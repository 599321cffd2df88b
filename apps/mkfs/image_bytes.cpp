// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/image_bytes.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "insitu/error.hpp"
#include "insitu/internal/store/memory_size.hpp"

namespace insitu::apps {

namespace {

constexpr int byte_bits = 8;

// Slicing is not worth its table here: it is used for the metadata that is patched.
std::array<std::uint32_t, 256> make_table() noexcept {
    constexpr std::uint32_t polynomial = 0x82f63b78;
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
        std::uint32_t value = i;
        for (int bit = 0; bit < byte_bits; ++bit)
            value = (value >> 1) ^ ((value & 1U) != 0 ? polynomial : 0);
        table.at(i) = value;
    }
    return table;
}

void check_range(const std::string& bytes, std::size_t at, std::size_t length) {
    if (at > bytes.size() || length > bytes.size() - at)
        bad_image("a field lies outside its block");
}

}  // namespace

void bad_image(const std::string& what) {
    throw Error(ErrorKind::damaged, {.file = "the file system that was made"}, what);
}

ImageBytes::ImageBytes(const std::string& file, Mode mode)
    : file_(file),
      fd_(::open(file.c_str(), (mode == Mode::write ? O_RDWR : O_RDONLY) | O_CLOEXEC)) {
    struct stat status {};
    if (!fd_ || ::fstat(fd_.get(), &status) != 0)
        throw io_error({.file = file}, "cannot open", errno);
    size_bytes_ = static_cast<std::uint64_t>(status.st_size);
}

std::string ImageBytes::read(std::uint64_t at_byte, std::uint64_t length_bytes) const {
    if (at_byte > size_bytes_ || length_bytes > size_bytes_ - at_byte) {
        bad_image(fmt::format("{} bytes at {} lie beyond its end at {}", length_bytes, at_byte,
                              size_bytes_));
    }
    std::string bytes(memory_size(length_bytes), '\0');
    for (std::size_t got = 0; got < bytes.size();) {
        const ssize_t now = ::pread(fd_.get(), bytes.data() + got, bytes.size() - got,
                                    static_cast<off_t>(at_byte + got));
        if (now < 0 && errno == EINTR) continue;
        if (now <= 0) throw io_error({.file = file_}, "cannot read", now < 0 ? errno : EIO);
        got += static_cast<std::size_t>(now);
    }
    return bytes;
}

void ImageBytes::write(std::uint64_t at_byte, const std::string& bytes) const {
    for (std::size_t done = 0; done < bytes.size();) {
        const ssize_t now = ::pwrite(fd_.get(), bytes.data() + done, bytes.size() - done,
                                     static_cast<off_t>(at_byte + done));
        if (now < 0 && errno == EINTR) continue;
        if (now <= 0) throw io_error({.file = file_}, "cannot write", now < 0 ? errno : EIO);
        done += static_cast<std::size_t>(now);
    }
}

std::uint64_t little(const std::string& bytes, std::size_t at, int length) {
    check_range(bytes, at, static_cast<std::size_t>(length));
    std::uint64_t value = 0;
    for (int i = length - 1; i >= 0; --i)
        value = (value << byte_bits) |
                static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)]);
    return value;
}

std::uint64_t big(const std::string& bytes, std::size_t at, int length) {
    check_range(bytes, at, static_cast<std::size_t>(length));
    std::uint64_t value = 0;
    for (int i = 0; i < length; ++i)
        value = (value << byte_bits) |
                static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)]);
    return value;
}

void put_little(std::string& bytes, std::size_t at, int length, std::uint64_t value) {
    check_range(bytes, at, static_cast<std::size_t>(length));
    for (int i = 0; i < length; ++i)
        bytes[at + static_cast<std::size_t>(i)] = static_cast<char>(value >> (byte_bits * i));
}

void put_big(std::string& bytes, std::size_t at, int length, std::uint64_t value) {
    check_range(bytes, at, static_cast<std::size_t>(length));
    for (int i = 0; i < length; ++i)
        bytes[at + static_cast<std::size_t>(i)] =
            static_cast<char>(value >> (byte_bits * (length - 1 - i)));
}

std::string part(const std::string& bytes, std::size_t at, std::size_t length) {
    check_range(bytes, at, length);
    return bytes.substr(at, length);
}

std::uint32_t crc32c(const std::string& bytes, std::uint32_t start) noexcept {
    static const std::array<std::uint32_t, 256> table = make_table();
    std::uint32_t value = start;
    for (const char letter : bytes)
        value =
            table.at((value ^ static_cast<unsigned char>(letter)) & 0xffU) ^ (value >> byte_bits);
    return ~value;
}

}  // namespace insitu::apps
