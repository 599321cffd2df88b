// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mkfs/image_bytes.hpp"

namespace insitu::apps {

class SquashfsImage;

// Reads on over the borders of metadata blocks.
class SquashfsCursor {
  public:
    SquashfsCursor(const SquashfsImage& image, std::uint64_t block_at, std::uint64_t offset);
    std::string take_bytes(std::uint64_t count);
    std::uint64_t take(int bytes);

  private:
    const SquashfsImage& image_;
    std::uint64_t block_at_;
    std::uint64_t offset_;
};

// A squashfs of version 4. All of this throws `damaged` Errors for what it does not expect,
// `refused` ones for compressions that are not known here, and `io` ones. Not thread-safe.
class SquashfsImage {
  public:
    explicit SquashfsImage(const std::string& file);

    std::uint64_t block_bytes() const noexcept { return block_bytes_; }
    std::uint64_t root() const { return little(super_, 32, 8); }
    SquashfsCursor inode(std::uint64_t reference) const;
    SquashfsCursor names(std::uint64_t start, std::uint64_t offset) const;
    std::uint32_t id(std::uint64_t index) const { return ids_.at(index); }
    void read_xattrs(std::map<std::string, std::string>& xattrs, std::uint64_t index) const;

    // A block of a file, as its word in the list of blocks has it.
    std::string data_block(std::uint64_t at_byte, std::uint32_t word) const;
    std::string fragment(std::uint64_t index) const;

  private:
    friend class SquashfsCursor;
    struct Metadata {
        std::string bytes;
        std::uint64_t next_at = 0;
    };
    const Metadata& metadata(std::uint64_t at_byte) const;
    // Reads record `index` of a table whose metadata blocks a list at `list_at` names.
    SquashfsCursor record(std::uint64_t list_at, std::uint64_t index, std::uint64_t bytes) const;

    ImageBytes bytes_;
    std::string super_;
    std::uint64_t block_bytes_ = 0;
    int method_ = 0;
    std::vector<std::uint32_t> ids_;
    mutable std::map<std::uint64_t, Metadata> cache_;
};

}  // namespace insitu::apps
