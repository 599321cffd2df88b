// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/xfs_image.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <functional>

namespace insitu::apps {

namespace {

constexpr std::uint64_t leaf_space_at = std::uint64_t{1} << 35;  // of a directory, in bytes
constexpr int format_btree = 3;
constexpr std::size_t record_bytes = 16;
constexpr std::size_t long_header_bytes = 72;  // of a block of a B+tree of extents
constexpr std::uint64_t billion = 1'000'000'000;

XfsExtent extent_at(const std::string& bytes, std::size_t at) {
    const std::uint64_t high = big(bytes, at, 8);
    const std::uint64_t low = big(bytes, at + 8, 8);
    return {(high & 0x7fffffffffffffffULL) >> 9, ((high & 0x1ffULL) << 43) | (low >> 21),
            low & 0x1fffffULL};
}

}  // namespace

// The data begins behind the core, and the attributes, if there are any, where a byte says.
XfsForkPlace xfs_fork_place(const XfsInode& inode, XfsFork fork) {
    const std::size_t offset = big(inode.bytes, 82, 1) * 8;
    const std::size_t all = inode.bytes.size() - xfs_literal_at;
    if (offset >= all) bad_image("the attributes of an inode begin beyond its end");
    if (fork == XfsFork::data) return {xfs_literal_at, offset != 0 ? offset : all, inode.format()};
    if (offset == 0) return {};
    return {xfs_literal_at + offset, all - offset, static_cast<int>(big(inode.bytes, 83, 1))};
}

void xfs_set_checksum(std::string& block, std::size_t at) {
    put_little(block, at, 4, 0);
    put_little(block, at, 4, crc32c(block));
}

XfsImage::XfsImage(const std::string& file, ImageBytes::Mode mode) : bytes_(file, mode) {
    const std::string super = bytes_.read(0, 512);
    if (!super.starts_with("XFSB")) bad_image("it has no super block of XFS");
    constexpr std::uint64_t version_mask = 0xf;
    if ((big(super, 100, 2) & version_mask) != 5) {
        bad_image("an XFS without checksums (-m crc=0) is not read here");
    }
    block_bytes_ = static_cast<std::uint32_t>(big(super, 4, 4));
    root_ = big(super, 56, 8);
    uuid_ = part(super, 32, 16);
    ag_blocks_ = static_cast<std::uint32_t>(big(super, 84, 4));
    inode_bytes_ = static_cast<std::uint32_t>(big(super, 104, 2));
    inode_per_block_log_ = static_cast<int>(big(super, 123, 1));
    ag_block_log_ = static_cast<int>(big(super, 124, 1));
    dir_block_log_ = static_cast<int>(big(super, 192, 1));
}

std::uint64_t XfsImage::byte_of(std::uint64_t fs_block) const {
    const std::uint64_t group = fs_block >> ag_block_log_;
    const std::uint64_t in_group = fs_block & ((std::uint64_t{1} << ag_block_log_) - 1);
    return (group * ag_blocks_ + in_group) * block_bytes_;
}

XfsInode XfsImage::inode(std::uint64_t number) const {
    const std::uint64_t in_block = number & ((std::uint64_t{1} << inode_per_block_log_) - 1);
    XfsInode inode;
    inode.number = number;
    inode.at_byte = byte_of(number >> inode_per_block_log_) + in_block * inode_bytes_;
    inode.bytes = bytes_.read(inode.at_byte, inode_bytes_);
    if (!inode.bytes.starts_with("IN") || big(inode.bytes, 152, 8) != number) {
        bad_image(fmt::format("inode {} is none", number));
    }
    return inode;
}

void XfsImage::write_inode(XfsInode& inode) const {
    xfs_set_checksum(inode.bytes, xfs_inode_checksum_at);
    bytes_.write(inode.at_byte, inode.bytes);
}

std::vector<XfsExtent> XfsImage::extents(const XfsInode& inode, XfsFork fork) const {
    std::vector<XfsExtent> extents;
    constexpr std::uint64_t large_counts = 1U << 4;
    const bool large = (big(inode.bytes, 120, 8) & large_counts) != 0;
    const XfsForkPlace place = xfs_fork_place(inode, fork);
    const std::uint64_t data_count = large ? big(inode.bytes, 24, 8) : big(inode.bytes, 76, 4);
    const std::uint64_t other_count = large ? big(inode.bytes, 76, 4) : big(inode.bytes, 80, 2);
    const std::uint64_t count = fork == XfsFork::data ? data_count : other_count;
    if (place.format == xfs_format_local || place.length == 0) return extents;
    if (place.format != format_btree) {
        for (std::uint64_t i = 0; i < count; ++i)
            extents.push_back(extent_at(inode.bytes, place.at + i * record_bytes));
        return extents;
    }
    const std::function<void(std::uint64_t)> descend = [&](std::uint64_t fs_block) {
        const std::string block = bytes_.read(byte_of(fs_block), block_bytes_);
        if (!block.starts_with("BMA3")) bad_image("a block of a map of extents is none");
        const std::uint64_t records = big(block, 6, 2);
        const std::size_t most = (block_bytes_ - long_header_bytes) / record_bytes;
        for (std::uint64_t i = 0; i < records; ++i) {
            if (big(block, 4, 2) == 0) {
                extents.push_back(extent_at(block, long_header_bytes + i * record_bytes));
            } else {
                descend(big(block, long_header_bytes + most * 8 + i * 8, 8));
            }
        }
    };
    const std::size_t most = (place.length - 4) / record_bytes;
    for (std::uint64_t i = 0; i < big(inode.bytes, place.at + 2, 2); ++i)
        descend(big(inode.bytes, place.at + 4 + most * 8 + i * 8, 8));
    return extents;
}

std::vector<XfsNamePlace> xfs_names_in_inode(const XfsInode& inode) {
    std::vector<XfsNamePlace> places;
    const std::string& bytes = inode.bytes;
    const std::uint64_t count = big(bytes, xfs_literal_at, 1);
    const int number_bytes = big(bytes, xfs_literal_at + 1, 1) != 0 ? 8 : 4;
    std::size_t at = xfs_literal_at + 2 + static_cast<std::size_t>(number_bytes);
    for (std::uint64_t i = 0; i < count; ++i) {
        XfsNamePlace place;
        place.entry_at = at;
        place.length = big(bytes, at, 1);
        place.at = at + 3;
        place.inode = big(bytes, place.at + place.length + 1, number_bytes);
        at = place.at + place.length + 1 + static_cast<std::size_t>(number_bytes);
        places.push_back(place);
    }
    return places;
}

std::vector<XfsNamePlace> xfs_names_in_block(const std::string& block) {
    constexpr std::size_t header_bytes = 64;
    constexpr std::uint64_t free_tag = 0xffff;
    std::size_t end = block.size();
    if (block.starts_with("XDB3")) {
        end -= 8 + 8 * big(block, end - 8, 4);
    } else if (!block.starts_with("XDD3")) {
        bad_image("a block of a directory is none");
    }
    std::vector<XfsNamePlace> places;
    for (std::size_t at = header_bytes; at < end;) {
        if (big(block, at, 2) == free_tag) {
            const std::size_t length = big(block, at + 2, 2);
            if (length == 0) bad_image("a directory has a free entry without a length");
            at += length;
            continue;
        }
        XfsNamePlace place;
        place.entry_at = at;
        place.inode = big(block, at, 8);
        place.length = big(block, at + 8, 1);
        place.at = at + 9;
        constexpr std::size_t unit = 8;
        at += (9 + place.length + 1 + 2 + unit - 1) / unit * unit;
        const std::string name = part(block, place.at, place.length);
        if (name != "." && name != "..") places.push_back(place);
    }
    return places;
}

std::vector<XfsName> XfsImage::names(const XfsInode& directory) const {
    std::vector<XfsName> names;
    const auto take = [&](const std::string& bytes, const std::vector<XfsNamePlace>& places) {
        for (const XfsNamePlace& place : places)
            names.push_back({part(bytes, place.at, place.length), place.inode});
    };
    if (directory.format() == xfs_format_local) {
        take(directory.bytes, xfs_names_in_inode(directory));
        return names;
    }
    const std::uint64_t per_block = std::uint64_t{1} << dir_block_log_;
    for (const XfsExtent& extent : extents(directory)) {
        if (extent.file_block * block_bytes_ >= leaf_space_at) continue;
        for (std::uint64_t i = 0; i + per_block <= extent.blocks; i += per_block) {
            const std::string block =
                bytes_.read(byte_of(extent.fs_block + i), directory_block_bytes());
            take(block, xfs_names_in_block(block));
        }
    }
    return names;
}

std::string XfsImage::link_target(const XfsInode& inode) const {
    const std::uint64_t size = inode.size_bytes();
    if (inode.format() == xfs_format_local) return part(inode.bytes, xfs_literal_at, size);
    std::string target;
    for (const XfsExtent& extent : extents(inode)) {
        for (std::uint64_t i = 0; i < extent.blocks && target.size() < size; ++i) {
            const std::string block = bytes_.read(byte_of(extent.fs_block + i), block_bytes_);
            if (!block.starts_with("XSLM")) bad_image("the target of a link has no header");
            target += part(block, xfs_link_header_bytes,
                           std::min<std::uint64_t>(size - target.size(),
                                                   block_bytes_ - xfs_link_header_bytes));
        }
    }
    return target;
}

Timestamp XfsImage::time_at(const XfsInode& inode, std::size_t at) const {
    constexpr std::uint64_t big_time = 1U << 3;
    const std::uint64_t value = big(inode.bytes, at, 8);
    if ((big(inode.bytes, 120, 8) & big_time) != 0) {
        return {static_cast<std::int64_t>(value / billion) - (std::int64_t{1} << 31),
                static_cast<std::uint32_t>(value % billion)};
    }
    return {static_cast<std::int32_t>(value >> 32), static_cast<std::uint32_t>(value)};
}

void XfsImage::set_time(XfsInode& inode, std::size_t at, const Timestamp& time) const {
    constexpr std::uint64_t big_time = 1U << 3;
    if ((big(inode.bytes, 120, 8) & big_time) != 0) {
        const auto second = static_cast<std::uint64_t>(time.seconds + (std::int64_t{1} << 31));
        put_big(inode.bytes, at, 8, second * billion + time.nanoseconds);
    } else {
        put_big(inode.bytes, at, 4, static_cast<std::uint64_t>(time.seconds));
        put_big(inode.bytes, at + 4, 4, time.nanoseconds);
    }
}

}  // namespace insitu::apps
