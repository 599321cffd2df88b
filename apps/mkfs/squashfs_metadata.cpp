// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/squashfs_metadata.hpp"

#include <algorithm>
#include <array>

#include "mkfs/squashfs_codec.hpp"

namespace insitu::apps {

namespace {

constexpr std::uint64_t metadata_bytes = 8192;

}  // namespace

SquashfsCursor::SquashfsCursor(const SquashfsImage& image, std::uint64_t block_at,
                               std::uint64_t offset)
    : image_(image), block_at_(block_at), offset_(offset) {}

std::string SquashfsCursor::take_bytes(std::uint64_t count) {
    std::string text;
    while (text.size() < count) {
        const SquashfsImage::Metadata& block = image_.metadata(block_at_);
        if (offset_ > block.bytes.size()) bad_image("a reference leads out of its block");
        if (offset_ == block.bytes.size()) {
            block_at_ = block.next_at;
            offset_ = 0;
            continue;
        }
        const std::uint64_t now =
            std::min<std::uint64_t>(count - text.size(), block.bytes.size() - offset_);
        text.append(block.bytes, offset_, now);
        offset_ += now;
    }
    return text;
}

std::uint64_t SquashfsCursor::take(int bytes) {
    return little(take_bytes(static_cast<std::uint64_t>(bytes)), 0, bytes);
}

SquashfsImage::SquashfsImage(const std::string& file) : bytes_(file, ImageBytes::Mode::read) {
    super_ = bytes_.read(0, 96);
    if (!super_.starts_with("hsqs")) bad_image("it has no super block of squashfs");
    block_bytes_ = little(super_, 12, 4);
    method_ = static_cast<int>(little(super_, 20, 2));
    const std::uint64_t ids = little(super_, 26, 2);
    for (std::uint64_t i = 0; i < ids; ++i)
        ids_.push_back(static_cast<std::uint32_t>(record(little(super_, 48, 8), i, 4).take(4)));
}

const SquashfsImage::Metadata& SquashfsImage::metadata(std::uint64_t at_byte) const {
    const auto known = cache_.find(at_byte);
    if (known != cache_.end()) return known->second;
    constexpr std::uint64_t stored = 0x8000;
    const std::uint64_t header = little(bytes_.read(at_byte, 2), 0, 2);
    const std::uint64_t size = header & (stored - 1);
    std::string bytes = bytes_.read(at_byte + 2, size);
    if ((header & stored) == 0) bytes = decompress_squashfs(method_, bytes, metadata_bytes);
    if (bytes.empty()) bad_image("a block of metadata is empty");
    return cache_[at_byte] = {std::move(bytes), at_byte + 2 + size};
}

SquashfsCursor SquashfsImage::record(std::uint64_t list_at, std::uint64_t index,
                                     std::uint64_t bytes) const {
    const std::uint64_t per_block = metadata_bytes / bytes;
    const std::uint64_t block = little(bytes_.read(list_at + index / per_block * 8, 8), 0, 8);
    return {*this, block, index % per_block * bytes};
}

SquashfsCursor SquashfsImage::inode(std::uint64_t reference) const {
    return {*this, little(super_, 64, 8) + (reference >> 16), reference & 0xffffU};
}

SquashfsCursor SquashfsImage::names(std::uint64_t start, std::uint64_t offset) const {
    return {*this, little(super_, 72, 8) + start, offset};
}

void SquashfsImage::read_xattrs(std::map<std::string, std::string>& xattrs,
                                std::uint64_t index) const {
    static constexpr std::array prefixes{"user.", "trusted.", "security."};
    constexpr std::uint64_t header_bytes = 16;
    constexpr std::uint64_t elsewhere = 0x100;
    const std::uint64_t table_at = little(super_, 56, 8);
    const std::uint64_t start = little(bytes_.read(table_at, 8), 0, 8);
    const auto cursor_at = [&](std::uint64_t reference) {
        return SquashfsCursor(*this, start + (reference >> 16), reference & 0xffffU);
    };
    SquashfsCursor place = record(table_at + header_bytes, index, 16);
    SquashfsCursor list = cursor_at(place.take(8));
    const std::uint64_t count = place.take(4);
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t type = list.take(2);
        const std::string name = list.take_bytes(list.take(2));
        std::string value = list.take_bytes(list.take(4));
        if ((type & elsewhere) != 0) {
            SquashfsCursor other = cursor_at(little(value, 0, 8));
            value = other.take_bytes(other.take(4));
        }
        const std::uint64_t prefix = type & 0xffU;
        if (prefix >= prefixes.size()) bad_image("an extended attribute has an unknown prefix");
        xattrs[prefixes.at(prefix) + name] = std::move(value);
    }
}

std::string SquashfsImage::data_block(std::uint64_t at_byte, std::uint32_t word) const {
    constexpr std::uint32_t stored = 1U << 24;
    std::string bytes = bytes_.read(at_byte, word & (stored - 1));
    if ((word & stored) != 0) return bytes;
    return decompress_squashfs(method_, bytes, block_bytes_);
}

std::string SquashfsImage::fragment(std::uint64_t index) const {
    SquashfsCursor place = record(little(super_, 80, 8), index, 16);
    const std::uint64_t at = place.take(8);
    return data_block(at, static_cast<std::uint32_t>(place.take(4)));
}

}  // namespace insitu::apps
