// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fsck/test_device.hpp"
#include "insitu/internal/codec/codec.hpp"
#include "insitu/internal/format/window_map.hpp"
#include "insitu/repair.hpp"

namespace insitu::test {

// Blocks of the logical device.
struct Range {
    std::uint64_t first = 0;
    std::uint64_t blocks = 0;
    friend auto operator<=>(const Range&, const Range&) = default;
};

struct ExpectedFinding {
    std::string id;
    std::optional<Range> range;
};

struct ExpectedContent {
    Range range;
    std::string what;  // same, newer, zeros, eio
};

// A damaged image as a readable recipe (tests/cases/README.md has the words), carried out.
class Recipe {
  public:
    // Throws std::runtime_error naming the line.
    explicit Recipe(const std::string& path);

    TestDevice device;
    std::vector<std::byte> sound;  // the device before the damage
    std::vector<std::byte> same;   // the logical content before the damage
    std::vector<std::byte> newer;  // and what the lines of the damage wrote
    RepairOptions options;
    std::vector<ExpectedFinding> findings;
    std::vector<ExpectedContent> reads;
    std::vector<std::string> plan;
    int status = 0;
    std::optional<int> again;
    std::optional<TestDevice> dump;
    std::optional<Manifest> manifest;

  private:
    using Words = std::vector<std::string>;
    void run(const Words& words);
    bool build(const Words& words);
    bool damage_data(const Words& words);
    bool damage_meta(const Words& words);
    bool damage_super(const Words& words);
    bool expect(const Words& words);
    void set_repair(const Words& words);
    void begin_damage();
    void make_device(std::uint64_t data_blocks, const std::string& algorithm);
    std::vector<std::byte> content_of(const Words& words) const;
    void put_payload(std::uint64_t first, ByteView content, bool raw, bool with_meta,
                     DeflateWindow window = DeflateWindow::kib2);
    void put_meta(std::uint64_t first, std::uint64_t blocks, unsigned sectors);
    void put_entry(std::uint64_t block, unsigned bits, unsigned mask);
    void save_manifest();
    unsigned extent_sectors(std::uint64_t first) const;  // as the meta has it
    std::uint64_t at(std::uint64_t block, std::uint64_t sector = 0) const;

    Geometry geometry_{BlockCounts{1, 1}};
    Algorithm algorithm_ = Algorithm::lzo;
    Seals seals_ = Seals::none;  // as the driver writes
    bool damaged_ = false;
    std::vector<std::byte> snapshot_;
    std::vector<ManifestExtent> manifest_extents_;
};

}  // namespace insitu::test
