// SPDX-License-Identifier: GPL-2.0-or-later
#include "read_ratio.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <random>
#include <vector>

#include "insitu/open_image.hpp"
#include "insitu/open_store.hpp"
#include "stopwatch.hpp"

using namespace insitu;

namespace {

using Read = std::function<void(std::uint64_t at_byte, ByteSpan output)>;

// Positions of mapped blocks, of which there may be many: every one is as likely.
std::vector<std::uint64_t> mapped_blocks(const OpenedImage& image) {
    std::vector<std::uint64_t> blocks;
    image.for_each_extent([&](const StoredExtent& extent) {
        for (std::uint64_t i = 0; i < extent.blocks; ++i)
            blocks.push_back((extent.first + i).value * block_bytes);
        return true;
    });
    return blocks;
}

double seconds_of(const std::vector<std::uint64_t>& positions, const Read& read) {
    std::array<std::byte, block_bytes> block{};
    const double start = cpu_seconds();
    for (const std::uint64_t at_byte : positions)
        read(at_byte, block);
    return cpu_seconds() - start;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

double by_device(const std::string& path, const std::vector<std::uint64_t>& positions) {
    const OwnedStore store = open_store(path, Access::read);
    DeviceOptions options;
    options.access = Access::read;
    Device device(*store, options);
    return seconds_of(
        positions, [&](std::uint64_t at_byte, ByteSpan output) { device.read(at_byte, output); });
}

double by_image(const std::string& path, const OpenOptions& options,
                const std::vector<std::uint64_t>& positions) {
    const OpenedImage image = open_image(path, options);
    return seconds_of(positions,
                      [&](std::uint64_t at_byte, ByteSpan output) { image.read(at_byte, output); });
}

}  // namespace

int print_read_ratio(const std::string& path, unsigned reads, unsigned rounds) {
    const std::vector<std::uint64_t> blocks = mapped_blocks(open_image(path));
    if (blocks.empty()) return 1;
    OpenOptions same_cache;
    same_cache.decode_cache_bytes = DeviceOptions{}.decode_cache_bytes;
    std::vector<double> device;
    std::vector<double> defaults_ratio;
    std::vector<double> same_ratio;
    std::mt19937_64 random(4711);
    for (unsigned round = 0; round <= rounds; ++round) {
        std::vector<std::uint64_t> positions(reads);
        for (std::uint64_t& position : positions)
            position = blocks[random() % blocks.size()];
        // Each has to be the first of a round as often as the others: the memory of a cache costs
        // more when it is new.
        std::array<double, 3> seconds{};
        for (unsigned turn = 0; turn < seconds.size(); ++turn) {
            const unsigned candidate = (round + turn) % seconds.size();
            seconds[candidate] = candidate == 0   ? by_device(path, positions)
                                 : candidate == 1 ? by_image(path, {}, positions)
                                                  : by_image(path, same_cache, positions);
        }
        if (round == 0) continue;  // warms the page cache
        device.push_back(seconds[0]);
        defaults_ratio.push_back(seconds[1] / seconds[0]);
        same_ratio.push_back(seconds[2] / seconds[0]);
    }
    fmt::print(
        "mapped_blocks {}\nreads {}\ndevice_reads_per_cpu_second {:.0f}\n"
        "open_image_cpu_ratio {:.3f}\nopen_image_same_cache_cpu_ratio {:.3f}\n",
        blocks.size(), reads, reads / median(device), median(defaults_ratio), median(same_ratio));
    return 0;
}
