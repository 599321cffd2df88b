// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mkfs/tree_model.hpp"

namespace insitu::apps {

// What decides how much room an entry takes in an ext file system.
struct ExtShape {
    std::uint32_t block_bytes = 4096;
    std::uint32_t inode_bytes = 256;
    bool extents = true;
    bool checksums = true;  // of metadata: a directory block has a tail
};

// A name in a directory; a linear directory block has them one after another.
struct ExtName {
    std::string name;
    std::uint32_t inode = 0;
    std::uint8_t kind = 0;  // EXT2_FT_…
};

// How many of `names`, which are in order and begin with "." and "..", stand in each block.
std::vector<std::size_t> names_per_block(const std::vector<ExtName>& names, const ExtShape& shape);

// Blocks of data that lie together in a file, in units of blocks of the file.
struct BlockRun {
    std::uint64_t first = 0;
    std::uint64_t count = 0;
};

// The data of a file in whole blocks.
std::vector<BlockRun> block_runs(const Entry& entry, std::uint32_t block_bytes);

// Extended attributes that do not fit into the inode take a block of their own.
bool needs_xattr_block(const Entry& entry, const ExtShape& shape);

// What a tree needs beside what an empty file system has: never less than it takes.
struct ExtNeed {
    std::uint64_t blocks = 0;
    std::uint64_t inodes = 0;
};
ExtNeed need_of(const Tree& tree, const ExtShape& shape);

}  // namespace insitu::apps
