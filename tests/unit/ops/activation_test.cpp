// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/ops/activation.hpp"

#include "support/catch.hpp"

using namespace insitu;
using Catch::Matchers::Contains;

namespace {

SuperBlock sound() {
    SuperBlock super;
    super.counts = counts_for_device(300 * block_bytes);
    return super;
}

std::string only_problem(const SuperBlock& super, const DeviceFacts& device,
                         const ImageStat* stat = nullptr) {
    const auto problems = activation_problems(super, device, stat);
    REQUIRE(problems.size() == 1);
    return problems[0];
}

}  // namespace

TEST_CASE("a sound image on a device of its size can be activated") {
    CHECK(activation_problems(sound(), {300 * block_bytes, 512}, nullptr).empty());
    CHECK(activation_problems(sound(), {300 * block_bytes + 511, 512}, nullptr).empty());
}

TEST_CASE("each reason of the driver's to refuse is told") {
    const DeviceFacts device{300 * block_bytes, 512};
    CHECK_THAT(only_problem(sound(), {301 * block_bytes, 512}), Contains("size"));
    CHECK_THAT(only_problem(sound(), {300 * block_bytes, 4096}), Contains("sectors of 4096"));
    SuperBlock super = sound();
    super.comp_alg = 9;
    CHECK_THAT(only_problem(super, device), Contains("comp_alg is 9"));
    super = sound();
    super.magic = 0;
    CHECK_THAT(only_problem(super, device), Contains("magic"));
    super = sound();
    super.version = 2;
    CHECK_THAT(only_problem(super, device), Contains("version"));
    ImageStat stat;
    stat.no_heads = 1;
    CHECK_THAT(only_problem(sound(), device, &stat), Contains("before its bitmap"));
    stat = {};
    stat.too_long = 1;
    CHECK_THAT(only_problem(sound(), device, &stat), Contains("for ever"));
    SuperBlock unusable;
    unusable.counts = counts_for_device(6555 * block_bytes);
    CHECK_THAT(only_problem(unusable, {6555 * block_bytes, 512}), Contains("cannot use"));
}

TEST_CASE("the table line is the driver's") {
    const Geometry geometry(sound().counts);
    CHECK(table_line(geometry, "/dev/sdx", MetaPolicy::writeback, 5) ==
          "0 2384 insitu_comp /dev/sdx writeback 5");
    CHECK(table_line(geometry, "/dev/sdx", MetaPolicy::writethrough, 5) ==
          "0 2384 insitu_comp /dev/sdx writethrough");
}
