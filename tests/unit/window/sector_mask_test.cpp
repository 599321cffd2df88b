// SPDX-License-Identifier: GPL-2.0-or-later
// The set of sectors, against a bitset.
#include "window/sector_mask.hpp"

#include <bitset>

#include "support/catch.hpp"
#include "support/random_content.hpp"

using namespace insitu;
using namespace insitu::test;

namespace {

using Model = std::bitset<window_sectors>;
using Runs = std::vector<std::pair<unsigned, unsigned>>;

void check(const SectorMask& mask, const Model& model) {
    Runs expected;
    for (unsigned sector = 0; sector < window_sectors; ++sector) {
        REQUIRE(mask.test(sector) == model.test(sector));
        if (!model.test(sector)) continue;
        if (expected.empty() || expected.back().first + expected.back().second != sector) {
            expected.push_back({sector, 0});
        }
        ++expected.back().second;
    }
    Runs runs;
    mask.for_each_run([&](unsigned first, unsigned sectors) { runs.push_back({first, sectors}); });
    CHECK(runs == expected);
    CHECK(mask.count() == model.count());
    CHECK(mask.any() == model.any());
}

}  // namespace

TEST_CASE("runs of sectors across the words of a mask") {
    for (const auto& [first, sectors] :
         Runs{{0, 0}, {0, 1}, {0, 64}, {0, 256}, {63, 1}, {63, 2}, {64, 64}, {1, 254}, {255, 1}}) {
        INFO(first << "+" << sectors);
        Model model;
        for (unsigned i = 0; i < sectors; ++i)
            model.set(first + i);
        check(SectorMask::range(first, sectors), model);
    }
    CHECK(SectorMask::all() == SectorMask::range(0, window_sectors));
}

TEST_CASE("masks are sets") {
    Random random = make_random(77);
    for (unsigned round = 0; round < 200; ++round) {
        SectorMask masks[2];
        Model models[2];
        for (unsigned runs = 0; runs < 12; ++runs) {
            const unsigned first = static_cast<unsigned>(random() % window_sectors);
            const unsigned sectors = static_cast<unsigned>(random() % (window_sectors - first));
            masks[runs % 2].add(first, sectors / 4);
            for (unsigned i = 0; i < sectors / 4; ++i)
                models[runs % 2].set(first + i);
        }
        check(masks[0] | masks[1], models[0] | models[1]);
        check(masks[0] & masks[1], models[0] & models[1]);
        check(masks[0] - masks[1], models[0] & ~models[1]);
        CHECK(masks[0].contains(masks[0] & masks[1]));
        CHECK(masks[1].contains(masks[0]) == (models[0] & ~models[1]).none());
    }
}
