// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/xfs_rename.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace insitu::apps {

namespace {

constexpr std::size_t header_bytes = 64;
constexpr std::size_t pair_bytes = 8;
constexpr std::size_t data_checksum_at = 4;  // in blocks of names
constexpr std::size_t link_checksum_at = 12;
constexpr std::uint64_t leaf_space_at = std::uint64_t{1} << 35;
constexpr std::uint64_t magic_leaf1 = 0x3df1;
constexpr std::uint64_t magic_leafn = 0x3dff;

std::uint32_t rotate(std::uint32_t value, int bits) {
    constexpr int word_bits = 32;
    return (value << bits) | (value >> (word_bits - bits));
}

// The hash of a name in a directory of XFS.
std::uint32_t hash_of(const std::string& name) {
    const auto byte = [&](std::size_t i) -> std::uint32_t {
        return static_cast<unsigned char>(name[i]);
    };
    std::uint32_t hash = 0;
    std::size_t at = 0;
    for (; name.size() - at >= 4; at += 4) {
        hash = (byte(at) << 21) ^ (byte(at + 1) << 14) ^ (byte(at + 2) << 7) ^ byte(at + 3) ^
               rotate(hash, 28);
    }
    switch (name.size() - at) {
        case 3:
            return (byte(at) << 14) ^ (byte(at + 1) << 7) ^ byte(at + 2) ^ rotate(hash, 21);
        case 2:
            return (byte(at) << 7) ^ byte(at + 1) ^ rotate(hash, 14);
        case 1:
            return byte(at) ^ rotate(hash, 7);
        default:
            return hash;
    }
}

using HashAddress = std::pair<std::uint32_t, std::uint32_t>;

// A block of a directory in the image, to be written back.
struct Block {
    std::uint64_t at_byte = 0;
    std::uint64_t file_block = 0;
    std::string bytes;
};

}  // namespace

class XfsRenamer {
  public:
    XfsRenamer(const XfsImage& image, std::uint64_t number,
               const std::map<std::string, std::string>& new_names)
        : image_(image), directory_(image.inode(number)), new_names_(new_names) {}

    void run() {
        if (directory_.format() == xfs_format_local) {
            replace(directory_.bytes, xfs_names_in_inode(directory_));
            image_.write_inode(directory_);
            return;
        }
        read_blocks();
        for (Block& block : data_) {
            const auto places = xfs_names_in_block(block.bytes);
            replace(block.bytes, places);
            remember_hashes(block, places);
        }
        if (data_.size() == 1 && data_.front().bytes.starts_with("XDB3")) {
            order_block(data_.front());
        } else {
            order_index();
        }
        write_blocks();
    }

  private:
    void replace(std::string& bytes, const std::vector<XfsNamePlace>& places) const {
        for (const XfsNamePlace& place : places) {
            const auto found = new_names_.find(part(bytes, place.at, place.length));
            if (found == new_names_.end()) continue;
            bytes.replace(place.at, place.length, found->second);
        }
    }

    void read_blocks() {
        const std::uint64_t per_block = image_.directory_block_bytes() / image_.block_bytes();
        for (const XfsExtent& extent : image_.extents(directory_)) {
            const std::uint64_t at = extent.file_block * image_.block_bytes();
            for (std::uint64_t i = 0; i + per_block <= extent.blocks; i += per_block) {
                Block block{image_.byte_of(extent.fs_block + i), extent.file_block + i, {}};
                block.bytes = image_.bytes().read(block.at_byte, image_.directory_block_bytes());
                (at < leaf_space_at ? data_ : index_).push_back(std::move(block));
            }
        }
    }

    // Its address in the index is the place of an entry in units of eight bytes.
    void remember_hashes(const Block& block, const std::vector<XfsNamePlace>& places) {
        constexpr std::uint64_t unit = 8;
        const std::uint64_t first = block.file_block * image_.block_bytes();
        for (const XfsNamePlace& place : places) {
            const auto address = static_cast<std::uint32_t>((first + place.entry_at) / unit);
            hashes_[address] = hash_of(part(block.bytes, place.at, place.length));
        }
    }

    // "." and ".." keep theirs.
    HashAddress pair_at(const std::string& bytes, std::size_t at) const {
        const auto address = static_cast<std::uint32_t>(big(bytes, at + 4, 4));
        const auto known = hashes_.find(address);
        const auto old = static_cast<std::uint32_t>(big(bytes, at, 4));
        return {known == hashes_.end() ? old : known->second, address};
    }

    static void put_pair(std::string& bytes, std::size_t at, const HashAddress& pair) {
        put_big(bytes, at, 4, pair.first);
        put_big(bytes, at + 4, 4, pair.second);
    }

    void order_block(Block& block) const {
        std::string& bytes = block.bytes;
        const std::uint64_t count = big(bytes, bytes.size() - pair_bytes, 4);
        const std::size_t first = bytes.size() - pair_bytes * (count + 1);
        std::vector<HashAddress> pairs;
        for (std::uint64_t i = 0; i < count; ++i)
            pairs.push_back(pair_at(bytes, first + i * pair_bytes));
        std::sort(pairs.begin(), pairs.end());
        for (std::uint64_t i = 0; i < count; ++i)
            put_pair(bytes, first + i * pair_bytes, pairs[i]);
    }

    // Each leaf keeps as many pairs as it has; nodes say the largest hash below each child.
    void order_index() {
        std::map<std::uint64_t, Block*> by_place;
        std::vector<Block*> leaves;
        for (Block& block : index_) {
            by_place[block.file_block] = &block;
            const std::uint64_t magic = big(block.bytes, 8, 2);
            if (magic == magic_leaf1 || magic == magic_leafn) leaves.push_back(&block);
        }
        sort_by_chain(leaves, by_place);
        std::vector<HashAddress> pairs;
        for (const Block* leaf : leaves) {
            for (std::uint64_t i = 0; i < big(leaf->bytes, 56, 2); ++i)
                pairs.push_back(pair_at(leaf->bytes, header_bytes + i * pair_bytes));
        }
        std::sort(pairs.begin(), pairs.end());
        auto next = pairs.begin();
        for (Block* leaf : leaves) {
            for (std::uint64_t i = 0; i < big(leaf->bytes, 56, 2); ++i)
                put_pair(leaf->bytes, header_bytes + i * pair_bytes, *next++);
        }
        for (Block& block : index_) {
            if (big(block.bytes, 8, 2) == xfs_magic_node) settle_node(block, by_place);
        }
    }

    // Leaves are linked in the order of their hashes.
    static void sort_by_chain(std::vector<Block*>& leaves,
                              const std::map<std::uint64_t, Block*>& by_place) {
        if (leaves.size() < 2) return;
        std::vector<Block*> chain;
        for (Block* leaf : leaves) {
            if (big(leaf->bytes, 4, 4) == 0) chain = {leaf};
        }
        while (!chain.empty() && chain.size() <= leaves.size()) {
            const std::uint64_t next = big(chain.back()->bytes, 0, 4);
            if (next == 0) break;
            const auto found = by_place.find(next);
            if (found == by_place.end()) bad_image("the index of a directory is broken");
            chain.push_back(found->second);
        }
        if (chain.size() != leaves.size()) bad_image("the index of a directory is broken");
        leaves = std::move(chain);
    }

    std::uint64_t largest_hash(const Block& block,
                               const std::map<std::uint64_t, Block*>& by_place) const {
        const std::uint64_t count = big(block.bytes, 56, 2);
        if (count == 0) bad_image("the index of a directory has an empty block");
        const std::size_t last = header_bytes + (count - 1) * pair_bytes;
        if (big(block.bytes, 8, 2) != xfs_magic_node) return big(block.bytes, last, 4);
        const auto child = by_place.find(big(block.bytes, last + 4, 4));
        if (child == by_place.end()) bad_image("the index of a directory is broken");
        return largest_hash(*child->second, by_place);
    }

    void settle_node(Block& block, const std::map<std::uint64_t, Block*>& by_place) const {
        for (std::uint64_t i = 0; i < big(block.bytes, 56, 2); ++i) {
            const std::size_t at = header_bytes + i * pair_bytes;
            const auto child = by_place.find(big(block.bytes, at + 4, 4));
            if (child == by_place.end()) bad_image("the index of a directory is broken");
            put_big(block.bytes, at, 4, largest_hash(*child->second, by_place));
        }
    }

    void write_blocks() {
        for (Block& block : data_) {
            xfs_set_checksum(block.bytes, data_checksum_at);
            image_.bytes().write(block.at_byte, block.bytes);
        }
        for (Block& block : index_) {
            const std::uint64_t magic = big(block.bytes, 8, 2);
            if (magic != magic_leaf1 && magic != magic_leafn && magic != xfs_magic_node) continue;
            xfs_set_checksum(block.bytes, xfs_index_checksum_at);
            image_.bytes().write(block.at_byte, block.bytes);
        }
    }

    const XfsImage& image_;
    XfsInode directory_;
    const std::map<std::string, std::string>& new_names_;
    std::vector<Block> data_;                        // blocks of names
    std::vector<Block> index_;                       // leaves, nodes, and lists of free space
    std::map<std::uint32_t, std::uint32_t> hashes_;  // by addresses
};

void rename_in_xfs(const XfsImage& image, std::uint64_t directory,
                   const std::map<std::string, std::string>& new_names) {
    XfsRenamer(image, directory, new_names).run();
}

void retarget_in_xfs(const XfsImage& image, std::uint64_t link, const std::string& target) {
    XfsInode inode = image.inode(link);
    if (inode.size_bytes() != target.size()) bad_image("a link has a target of another length");
    if (inode.format() == xfs_format_local) {
        inode.bytes.replace(xfs_literal_at, target.size(), target);
        image.write_inode(inode);
        return;
    }
    // mkfs.xfs writes no header, which the kernel misses.
    const std::vector<XfsExtent> extents = image.extents(inode);
    if (extents.size() != 1 || target.size() > image.block_bytes() - xfs_link_header_bytes) {
        bad_image("a link has a target that does not fit into a block");
    }
    const std::uint64_t at = image.byte_of(extents.front().fs_block);
    constexpr std::uint64_t unit_bytes = 512;
    std::string block = "XSLM" + std::string(image.block_bytes() - 4, '\0');
    put_big(block, 8, 4, target.size());
    block.replace(16, 16, image.uuid());
    put_big(block, 32, 8, link);
    put_big(block, 40, 8, at / unit_bytes);
    block.replace(xfs_link_header_bytes, target.size(), target);
    xfs_set_checksum(block, link_checksum_at);
    image.bytes().write(at, block);
}

}  // namespace insitu::apps
