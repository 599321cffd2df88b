// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mkfs/ext_handle.hpp"
#include "mkfs/ext_layout.hpp"
#include "mkfs/tree_model.hpp"

namespace insitu::apps {

// EXT2_FT_… of a mode.
std::uint8_t file_type_of(mode_t mode);

// Mode, owners, times and device number. With an `epoch` the times of access and change are it.
void set_attributes(ext2_filsys fs, struct ext2_inode_large& inode, const Entry& entry,
                    std::optional<std::int64_t> epoch);

// Adds the extended attributes of an entry to its inode, which has been written.
void write_xattrs(ext2_filsys fs, ext2_ino_t number, const Entry& entry);

// Writes one block of a directory.
void write_names(ext2_filsys fs, std::uint64_t block, ext2_ino_t directory, const ExtName* names,
                 std::size_t count, const ExtShape& shape);

// Maps the blocks of one file, in rising order.
class ExtMapper {
  public:
    // `inode` and `path` outlive it.
    ExtMapper(ext2_filsys fs, ext2_ino_t number, struct ext2_inode* inode, const std::string& path);
    ~ExtMapper();
    ExtMapper(const ExtMapper&) = delete;
    ExtMapper& operator=(const ExtMapper&) = delete;

    void map(std::uint64_t logical, std::uint64_t physical, std::uint64_t count);
    void finish();

  private:
    ext2_filsys fs_;
    ext2_ino_t number_;
    struct ext2_inode* inode_;
    const std::string& path_;
    ext2_extent_handle_t handle_ = nullptr;
};

}  // namespace insitu::apps
