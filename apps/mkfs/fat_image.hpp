// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mkfs/image_bytes.hpp"
#include "mkfs/tree_model.hpp"

namespace insitu::apps {

// One entry of a directory of a FAT file system.
struct FatEntry {
    std::string name;  // in UTF-8
    bool is_directory = false;
    std::uint32_t first_cluster = 0;
    std::uint32_t size_bytes = 0;
    Timestamp modified;  // as if the clock of the entry were UTC
};

// A FAT file system, by its bytes. All of this throws `damaged` Errors for what it does not expect,
// and `io` ones.
class FatImage {
  public:
    explicit FatImage(const std::string& file);

    std::uint32_t cluster_bytes() const noexcept { return cluster_bytes_; }
    std::uint64_t clusters() const noexcept { return clusters_; }
    // Names that the top may have; 0: as many as there is room for.
    std::uint32_t root_names() const noexcept { return root_names_; }

    std::vector<FatEntry> root() const;
    std::vector<FatEntry> directory(std::uint32_t first_cluster) const;
    std::vector<std::uint32_t> chain(std::uint32_t first_cluster) const;
    std::uint64_t byte_of(std::uint32_t cluster) const;

  private:
    std::uint32_t next_cluster(std::uint32_t cluster) const;

    ImageBytes bytes_;
    std::string table_;
    std::uint32_t cluster_bytes_ = 0;
    std::uint32_t root_names_ = 0;
    std::uint64_t root_at_ = 0;
    std::uint64_t data_at_ = 0;
    std::uint64_t clusters_ = 0;
    std::uint32_t root_cluster_ = 0;
    int entry_bits_ = 0;
};

}  // namespace insitu::apps
