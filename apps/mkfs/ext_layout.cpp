// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/ext_layout.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "insitu/units.hpp"

namespace insitu::apps {

namespace {

constexpr std::uint64_t name_unit = 4;
constexpr std::uint64_t dirent_header = 8;
constexpr std::uint64_t tail_bytes = 12;
constexpr std::uint64_t fast_link_bytes = 60;  // a shorter target stands in the inode

std::uint64_t padded(std::uint64_t bytes) {
    return ceil_div(bytes, name_unit) * name_unit;
}

// Blocks that map a file's blocks, as many as there can be.
std::uint64_t mapping_blocks(const std::vector<BlockRun>& runs, const ExtShape& shape) {
    std::uint64_t blocks = 0;
    std::uint64_t pieces = 0;
    constexpr std::uint64_t blocks_per_extent = 32768;
    for (const BlockRun& run : runs) {
        blocks += run.count;
        // A run is broken by the metadata of groups as well.
        pieces += 1 + 2 * (run.count / (blocks_per_extent / 2));
    }
    if (shape.extents) {
        constexpr std::uint64_t in_inode = 4;
        if (pieces <= in_inode) return 0;
        const std::uint64_t per_block = shape.block_bytes / 12 - 1;
        // Splitting leaves blocks half full.
        return 2 * ceil_div(pieces, per_block) + 4;
    }
    constexpr std::uint64_t direct = 12;
    const std::uint64_t last = runs.empty() ? 0 : runs.back().first + runs.back().count;
    if (last <= direct) return 0;
    const std::uint64_t per_block = shape.block_bytes / 4;
    // Each run may begin and end in the middle of what an indirect block maps, on three levels.
    const std::uint64_t dense = ceil_div(last, per_block) + ceil_div(last, per_block * per_block);
    const std::uint64_t sparse = ceil_div(blocks, per_block) + 6 * runs.size();
    return std::min(dense, sparse) + 4;
}

std::uint64_t blocks_of_directory(const Tree& tree, const std::vector<std::size_t>& children,
                                  const ExtShape& shape, bool is_top) {
    std::vector<ExtName> names{{".", 0, 0}, {"..", 0, 0}};
    if (is_top) names.push_back({"lost+found", 0, 0});
    for (const std::size_t child : children)
        names.push_back({tree.entries[child].name(), 0, 0});
    const std::uint64_t blocks = names_per_block(names, shape).size();
    return blocks + mapping_blocks({{0, blocks}}, shape);
}

}  // namespace

std::vector<std::size_t> names_per_block(const std::vector<ExtName>& names, const ExtShape& shape) {
    const std::uint64_t room = shape.block_bytes - (shape.checksums ? tail_bytes : 0);
    std::vector<std::size_t> counts{0};
    std::uint64_t used = 0;
    for (const ExtName& name : names) {
        const std::uint64_t bytes = padded(dirent_header + name.name.size());
        if (used + bytes > room) {
            counts.push_back(0);
            used = 0;
        }
        used += bytes;
        ++counts.back();
    }
    return counts;
}

std::vector<BlockRun> block_runs(const Entry& entry, std::uint32_t block_bytes) {
    std::vector<BlockRun> runs;
    for (const DataRange& range : entry.data) {
        const std::uint64_t first = range.at_byte / block_bytes;
        const std::uint64_t end = ceil_div(range.at_byte + range.length_bytes, block_bytes);
        if (!runs.empty() && runs.back().first + runs.back().count >= first) {
            runs.back().count =
                std::max(runs.back().first + runs.back().count, end) - runs.back().first;
        } else if (end > first) {
            runs.push_back({first, end - first});
        }
    }
    return runs;
}

bool needs_xattr_block(const Entry& entry, const ExtShape& shape) {
    constexpr std::uint32_t small_inode = 128;
    constexpr std::uint64_t extra_fields = 32;
    constexpr std::uint64_t entry_header = 16;
    constexpr std::uint64_t magic_and_end = 8;
    if (entry.xattrs.empty()) return false;
    if (shape.inode_bytes <= small_inode) return true;
    std::uint64_t bytes = magic_and_end;
    for (const auto& [name, value] : entry.xattrs)
        bytes += entry_header + padded(name.size()) + padded(value.size());
    return bytes > shape.inode_bytes - small_inode - extra_fields;
}

ExtNeed need_of(const Tree& tree, const ExtShape& shape) {
    ExtNeed need;
    const auto children = children_of(tree);
    for (std::size_t i = 0; i < tree.entries.size(); ++i) {
        const Entry& entry = tree.entries[i];
        if (entry.link_to != no_entry) continue;
        ++need.inodes;
        if (needs_xattr_block(entry, shape)) ++need.blocks;
        if (entry.is(S_IFDIR)) {
            need.blocks += blocks_of_directory(tree, children[i], shape, i == 0);
        } else if (entry.is(S_IFLNK)) {
            if (entry.link_target.size() >= fast_link_bytes) ++need.blocks;
        } else if (entry.is(S_IFREG)) {
            const std::vector<BlockRun> runs = block_runs(entry, shape.block_bytes);
            for (const BlockRun& run : runs)
                need.blocks += run.count;
            need.blocks += mapping_blocks(runs, shape);
        }
    }
    return need;
}

}  // namespace insitu::apps
