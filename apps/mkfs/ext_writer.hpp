// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "insitu/internal/engine/control.hpp"
#include "mkfs/ext_layout.hpp"
#include "mkfs/tree_model.hpp"

namespace insitu::apps {

// What an ext file system in a file is and has.
struct ExtState {
    ExtShape shape;
    std::uint64_t blocks = 0;
    std::uint64_t free_blocks = 0;
    std::uint64_t free_inodes = 0;
    std::uint64_t inodes = 0;
    bool has_quota = false;     // the use of each owner is counted in files
    bool has_clusters = false;  // blocks are given out in clusters (bigalloc)
};

ExtState ext_state(const std::string& file);

// Fills an empty ext file system that mke2fs has just made. With `epoch` the bytes depend on the
// tree and the file system alone. Throws `refused` Errors that name the entry for which there is no
// room, or that has more than the file system can hold of it, `io` ones for the sources and the
// file, and `cancelled` ones.
void fill_ext(const std::string& file, const Tree& tree, std::optional<std::int64_t> epoch,
              const StopFlag* stop);

// Sets the times of the super blocks, of the inodes that are not of the tree, and of making to
// `epoch`. Of an empty file system, too.
void settle_ext_super(const std::string& file, const Tree& tree, std::int64_t epoch);

}  // namespace insitu::apps
