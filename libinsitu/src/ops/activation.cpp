// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/ops/activation.hpp"

#include <fmt/format.h>

namespace insitu {

std::vector<std::string> activation_problems(const SuperBlock& super, const DeviceFacts& device,
                                             const ImageStat* stat) {
    std::vector<std::string> problems;
    const SuperFaults faults = check_super_block(super, device.size_bytes);
    const BlockCounts expected = counts_for_device(device.size_bytes);
    if (faults.has(SuperFault::magic)) {
        problems.push_back(
            fmt::format("magic is {:#018x}, expected {:#018x}", super.magic, super_magic));
    }
    if (faults.has(SuperFault::version)) {
        problems.push_back(fmt::format("version is {}, expected {}", super.version, super_version));
    }
    if (faults.has(SuperFault::algorithm)) {
        problems.push_back(fmt::format("comp_alg is {}, expected 0 or 1: the driver crashes on it",
                                       super.comp_alg));
    }
    if (faults.has(SuperFault::device_unusable)) {
        problems.push_back(
            fmt::format("the driver cannot use a device of {} bytes", device.size_bytes));
    } else if (faults.has(SuperFault::counts_differ)) {
        problems.push_back(fmt::format(
            "size: the image has {} meta and {} data blocks, a device of {} bytes {} and {}",
            super.counts.meta_blocks, super.counts.data_blocks, device.size_bytes,
            expected.meta_blocks, expected.data_blocks));
    }
    if (device.logical_sector_bytes != sector_bytes) {
        problems.push_back(fmt::format("the device has sectors of {} bytes, the driver needs {}",
                                       device.logical_sector_bytes, sector_bytes));
    }
    if (stat != nullptr && stat->no_heads != 0) {
        problems.push_back("block 0 is a tail: the driver would read before its bitmap");
    }
    if (stat != nullptr && stat->too_long != 0) {
        problems.push_back("a run of tails without end: the driver could loop for ever");
    }
    return problems;
}

std::string table_line(const Geometry& geometry, const std::string& device, MetaPolicy policy,
                       unsigned commit_delay_seconds) {
    const std::uint64_t sectors = geometry.data_blocks() * sectors_per_block;
    if (policy == MetaPolicy::writethrough) {
        return fmt::format("0 {} insitu_comp {} writethrough", sectors, device);
    }
    return fmt::format("0 {} insitu_comp {} writeback {}", sectors, device, commit_delay_seconds);
}

}  // namespace insitu
