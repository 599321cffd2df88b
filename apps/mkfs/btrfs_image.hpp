// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "mkfs/image_bytes.hpp"

namespace insitu::apps {

constexpr std::uint64_t btrfs_files_tree = 5;
constexpr std::size_t btrfs_key_offset_at = 9;
constexpr std::uint64_t btrfs_top_inode = 256;
constexpr int btrfs_xattr_item = 24;
// A leaf has a header, its items' heads from the front, and their bytes from the end.
constexpr std::size_t btrfs_header_bytes = 101;
constexpr std::size_t btrfs_key_bytes = 17;
constexpr std::size_t btrfs_item_head_bytes = 25;
constexpr std::size_t btrfs_count_at = 96;

struct BtrfsKey {
    std::uint64_t object = 0;
    int type = 0;
    std::uint64_t offset = 0;
    friend auto operator<=>(const BtrfsKey&, const BtrfsKey&) = default;
};

// An item of a leaf: a part of its bytes.
struct BtrfsItem {
    BtrfsKey key;
    std::size_t key_at = 0;
    std::size_t at = 0;
    std::size_t length = 0;
};

// A btrfs of one device as mkfs.btrfs makes it, by its bytes. All of this throws `damaged` Errors
// for what it does not expect, and `io` ones.
class BtrfsImage {
  public:
    BtrfsImage(const std::string& file, ImageBytes::Mode mode);

    const ImageBytes& bytes() const noexcept { return bytes_; }
    // The leaves of the tree of files, in order, with their items. What `visit` changes in the
    // bytes of a leaf, keys included as long as they stay in order, is written back with its
    // checksum if it returns true.
    void for_each_leaf(
        const std::function<bool(std::string& leaf, const std::vector<BtrfsItem>&)>& visit) const;
    // The same for the tree of extents.
    void for_each_extent_leaf(
        const std::function<bool(std::string& leaf, const std::vector<BtrfsItem>&)>& visit) const;
    // Where a piece of data is; `length_bytes` must lie in one chunk.
    std::uint64_t byte_of(std::uint64_t logical, std::uint64_t length_bytes) const;
    // Whether its checksums can be made here: all but blake2.
    bool can_patch() const;

  private:
    struct Chunk {
        std::uint64_t start = 0;
        std::uint64_t length_bytes = 0;
        std::vector<std::uint64_t> copies;  // where they begin
    };
    using Visit = std::function<bool(std::string&, const std::vector<BtrfsItem>&)>;

    std::string checksum_of(const std::string& content) const;
    void add_chunk(std::uint64_t start, const std::string& bytes, std::size_t at);
    // Returns the first key of the node, as it is afterwards.
    std::string walk(std::uint64_t logical, const Visit& visit) const;
    bool walk_children(std::string& node, const Visit& visit) const;
    const Chunk& chunk_of(std::uint64_t logical, std::uint64_t length_bytes) const;

    ImageBytes bytes_;
    std::string super_;
    std::vector<Chunk> chunks_;
    std::uint64_t files_root_ = 0;
    std::uint64_t extent_root_ = 0;
};

}  // namespace insitu::apps
