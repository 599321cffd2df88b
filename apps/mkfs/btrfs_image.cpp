// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/btrfs_image.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <span>

#include "common/sha256.hpp"

namespace insitu::apps {

namespace {

constexpr std::uint64_t super_at = 65536;
constexpr std::size_t chunk_bytes = 48;
constexpr std::size_t stripe_bytes = 32;
constexpr int chunk_item = 228;
constexpr int root_item = 132;
constexpr std::uint64_t extent_tree = 2;
constexpr std::size_t checksum_bytes = 32;
constexpr std::size_t checksum_kind_at = 196;
constexpr std::uint64_t sha256_kind = 2;  // 0 is CRC-32C, 1 is xxHash

BtrfsKey key_at(const std::string& bytes, std::size_t at) {
    return {little(bytes, at, 8), static_cast<int>(little(bytes, at + 8, 1)),
            little(bytes, at + 9, 8)};
}

std::vector<BtrfsItem> items_of(const std::string& leaf) {
    std::vector<BtrfsItem> items;
    const std::uint64_t count = little(leaf, btrfs_count_at, 4);
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::size_t at = btrfs_header_bytes + i * btrfs_item_head_bytes;
        const std::uint64_t data_at = btrfs_header_bytes + little(leaf, at + btrfs_key_bytes, 4);
        const std::uint64_t length = little(leaf, at + btrfs_key_bytes + 4, 4);
        if (data_at + length > leaf.size()) bad_image("an item is outside its leaf");
        items.push_back({key_at(leaf, at), at, static_cast<std::size_t>(data_at),
                         static_cast<std::size_t>(length)});
    }
    return items;
}

}  // namespace

BtrfsImage::BtrfsImage(const std::string& file, ImageBytes::Mode mode) : bytes_(file, mode) {
    super_ = bytes_.read(super_at, 4096);
    if (part(super_, 64, 8) != "_BHRfS_M") bad_image("it has no super block of btrfs");
    constexpr std::size_t array_at = 811;
    const std::size_t end = array_at + little(super_, 160, 4);
    for (std::size_t at = array_at; at < end;) {
        add_chunk(key_at(super_, at).offset, super_, at + btrfs_key_bytes);
        at += btrfs_key_bytes + chunk_bytes + stripe_bytes * chunks_.back().copies.size();
    }
    walk(little(super_, 88, 8), [this](const std::string& leaf, const auto& items) {
        for (const BtrfsItem& item : items) {
            if (item.key.type == chunk_item) add_chunk(item.key.offset, leaf, item.at);
        }
        return false;
    });
    walk(little(super_, 80, 8), [this](const std::string& leaf, const auto& items) {
        for (const BtrfsItem& item : items) {
            if (item.key.type != root_item) continue;
            const std::uint64_t root = little(leaf, item.at + 176, 8);
            if (item.key.object == btrfs_files_tree) files_root_ = root;
            if (item.key.object == extent_tree) extent_root_ = root;
        }
        return false;
    });
}

bool BtrfsImage::can_patch() const {
    return little(super_, checksum_kind_at, 2) <= sha256_kind;
}

std::string BtrfsImage::checksum_of(const std::string& content) const {
    const std::uint64_t kind = little(super_, checksum_kind_at, 2);
    if (kind == sha256_kind) {
        Sha256 sha256;
        sha256.add(std::as_bytes(std::span(content)));
        const Sha256::Digest digest = sha256.digest();
        return {reinterpret_cast<const char*>(digest.data()), digest.size()};
    }
    const bool is_crc = kind == 0;
    std::string bytes(is_crc ? 4 : 8, '\0');
    put_little(bytes, 0, static_cast<int>(bytes.size()),
               is_crc ? crc32c(content) : XXH64(content.data(), content.size(), 0));
    return bytes;
}

void BtrfsImage::add_chunk(std::uint64_t start, const std::string& bytes, std::size_t at) {
    Chunk chunk{start, little(bytes, at, 8), {}};
    const std::uint64_t stripes = little(bytes, at + 44, 2);
    if (stripes == 0) bad_image("a chunk has no place");
    for (std::uint64_t i = 0; i < stripes; ++i)
        chunk.copies.push_back(little(bytes, at + chunk_bytes + i * stripe_bytes + 8, 8));
    chunks_.push_back(std::move(chunk));
}

const BtrfsImage::Chunk& BtrfsImage::chunk_of(std::uint64_t logical,
                                              std::uint64_t length_bytes) const {
    for (const Chunk& chunk : chunks_) {
        if (logical < chunk.start || logical - chunk.start >= chunk.length_bytes) continue;
        if (length_bytes > chunk.length_bytes - (logical - chunk.start)) break;
        return chunk;
    }
    bad_image(fmt::format("no chunk holds {}", logical));
}

std::uint64_t BtrfsImage::byte_of(std::uint64_t logical, std::uint64_t length_bytes) const {
    const Chunk& chunk = chunk_of(logical, length_bytes);
    return chunk.copies.front() + (logical - chunk.start);
}

std::string BtrfsImage::walk(std::uint64_t logical, const Visit& visit) const {
    const std::uint64_t node_bytes = little(super_, 148, 4);
    const Chunk& chunk = chunk_of(logical, node_bytes);
    std::string node = bytes_.read(chunk.copies.front() + (logical - chunk.start), node_bytes);
    if (little(node, 48, 8) != logical) bad_image(fmt::format("no node is at {}", logical));
    const bool is_leaf = little(node, 100, 1) == 0;
    if (is_leaf ? visit(node, items_of(node)) : walk_children(node, visit)) {
        const std::string checksum = checksum_of(node.substr(checksum_bytes));
        node.replace(0, checksum.size(), checksum);
        for (const std::uint64_t copy : chunk.copies)
            bytes_.write(copy + (logical - chunk.start), node);
    }
    return part(node, btrfs_header_bytes, btrfs_key_bytes);
}

// A node has the first key of each node below it; true if one of them has changed.
bool BtrfsImage::walk_children(std::string& node, const Visit& visit) const {
    constexpr std::size_t pointer_bytes = 33;
    bool changed = false;
    const std::uint64_t count = little(node, btrfs_count_at, 4);
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::size_t at = btrfs_header_bytes + i * pointer_bytes;
        const std::string first = walk(little(node, at + btrfs_key_bytes, 8), visit);
        if (part(node, at, btrfs_key_bytes) == first) continue;
        node.replace(at, btrfs_key_bytes, first);
        changed = true;
    }
    return changed;
}

void BtrfsImage::for_each_leaf(const Visit& visit) const {
    if (files_root_ == 0) bad_image("it has no tree of files");
    walk(files_root_, visit);
}

void BtrfsImage::for_each_extent_leaf(const Visit& visit) const {
    if (extent_root_ == 0) bad_image("it has no tree of extents");
    walk(extent_root_, visit);
}

}  // namespace insitu::apps
