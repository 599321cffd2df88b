// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>

#include "support/temporary_directory.hpp"

namespace insitu::test {

// A loop device over a sparse file of its own. Needs root; throws where it cannot be had.
class LoopDevice {
  public:
    explicit LoopDevice(std::uint64_t size_bytes, unsigned sector_bytes = 512);
    ~LoopDevice();
    LoopDevice(const LoopDevice&) = delete;
    LoopDevice& operator=(const LoopDevice&) = delete;

    const std::string& path() const noexcept { return path_; }
    std::string backing_file() const { return directory_.file("backing"); }
    std::uint64_t allocated_bytes() const;

    // What the kernel counted, in sectors of 512 bytes.
    struct Counters {
        std::uint64_t read_sectors = 0;
        std::uint64_t written_sectors = 0;
    };
    Counters counters() const;

  private:
    TemporaryDirectory directory_;
    std::string path_;
};

}  // namespace insitu::test
