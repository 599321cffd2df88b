// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mkfs/image_bytes.hpp"
#include "mkfs/tree_model.hpp"

namespace insitu::apps {

// An XFS of version 5 as mkfs.xfs makes it, by its bytes. All of this throws `damaged` Errors for
// what it does not expect, and `io` ones.
struct XfsExtent {
    std::uint64_t file_block = 0;
    std::uint64_t fs_block = 0;
    std::uint64_t blocks = 0;
};

struct XfsInode {
    std::uint64_t number = 0;
    std::uint64_t at_byte = 0;
    std::string bytes;  // all of it
    mode_t mode() const { return static_cast<mode_t>(big(bytes, 2, 2)); }
    int format() const { return static_cast<int>(big(bytes, 5, 1)); }
    std::uint64_t size_bytes() const { return big(bytes, 56, 8); }
};

// An inode has two lists of extents, each in a part of its own.
enum class XfsFork { data, attributes };

struct XfsForkPlace {
    std::size_t at = 0;  // in the bytes of the inode
    std::size_t length = 0;
    int format = 0;
};

XfsForkPlace xfs_fork_place(const XfsInode& inode, XfsFork fork);

// A name in a directory, and where it is in the image.
struct XfsName {
    std::string name;
    std::uint64_t inode = 0;
};

class XfsImage {
  public:
    XfsImage(const std::string& file, ImageBytes::Mode mode);

    std::uint64_t root() const noexcept { return root_; }
    std::uint32_t block_bytes() const noexcept { return block_bytes_; }
    std::uint32_t directory_block_bytes() const noexcept { return block_bytes_ << dir_block_log_; }
    const ImageBytes& bytes() const noexcept { return bytes_; }
    const std::string& uuid() const noexcept { return uuid_; }  // 16 bytes

    XfsInode inode(std::uint64_t number) const;
    // Recomputes its checksum and writes it back.
    void write_inode(XfsInode& inode) const;
    std::vector<XfsExtent> extents(const XfsInode& inode, XfsFork fork = XfsFork::data) const;
    std::uint64_t byte_of(std::uint64_t fs_block) const;
    // The bytes of its data in the image, where it has any.
    std::vector<XfsName> names(const XfsInode& directory) const;
    std::string link_target(const XfsInode& inode) const;
    Timestamp time_at(const XfsInode& inode, std::size_t at) const;
    void set_time(XfsInode& inode, std::size_t at, const Timestamp& time) const;

  private:
    friend class XfsRenamer;

    ImageBytes bytes_;
    std::uint32_t block_bytes_ = 0;
    std::uint64_t root_ = 0;
    std::string uuid_;
    std::uint32_t ag_blocks_ = 0;
    std::uint32_t inode_bytes_ = 0;
    int inode_per_block_log_ = 0;
    int ag_block_log_ = 0;
    int dir_block_log_ = 0;
};

// Sets the CRC-32C of a block or an inode, which is at `at` in it.
void xfs_set_checksum(std::string& block, std::size_t at);

constexpr int xfs_format_local = 1;  // all of it is in the inode
constexpr std::size_t xfs_inode_checksum_at = 100;
constexpr std::size_t xfs_index_checksum_at = 12;  // in blocks of an index of names
constexpr std::uint64_t xfs_magic_node = 0x3ebe;
constexpr std::size_t xfs_link_header_bytes = 56;  // before a target that is in a block
constexpr std::size_t xfs_literal_at = 176;        // where the data of an inode begins
constexpr std::size_t xfs_access_time_at = 32;
constexpr std::size_t xfs_modify_time_at = 40;
constexpr std::size_t xfs_change_time_at = 48;
constexpr std::size_t xfs_create_time_at = 144;

// One name within the bytes of a directory block or of an inode.
struct XfsNamePlace {
    std::size_t at = 0;  // where the name begins
    std::size_t length = 0;
    std::size_t entry_at = 0;  // where its entry begins, from which its address follows
    std::uint64_t inode = 0;
};

std::vector<XfsNamePlace> xfs_names_in_inode(const XfsInode& inode);
// Without "." and "..".
std::vector<XfsNamePlace> xfs_names_in_block(const std::string& block);

}  // namespace insitu::apps
