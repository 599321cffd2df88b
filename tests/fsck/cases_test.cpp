// SPDX-License-Identifier: GPL-2.0-or-later
// Runs every recipe of tests/cases: what is found, what the repair does, that a second run changes
// nothing, and that it can be undone and done again.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include "fsck/recipe.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/format/payload.hpp"
#include "insitu/internal/image/meta_cursor.hpp"
#include "insitu/internal/image/window_reader.hpp"
#include "support/catch.hpp"
#include "support/image_builder.hpp"
#include "support/random_content.hpp"
#include "support/sanitizer.hpp"

using namespace insitu;
using namespace insitu::test;

namespace {

class Collector final : public FindingSink {
  public:
    void found(const Finding& finding) override {
        if (finding.severity == Severity::note && finding.id != FindingId::p07) return;
        found_.insert({kind_of(finding.id).name, {finding.block.value, finding.blocks}});
    }
    void planned(const PlannedAction& action) override { plan_.insert(to_string(action.kind)); }

    std::multimap<std::string, Range> found_;
    std::multiset<std::string> plan_;
};

std::string text(const std::multimap<std::string, Range>& found) {
    std::string all;
    for (const auto& [id, range] : found)
        all += id + " " + std::to_string(range.first) + "+" + std::to_string(range.blocks) + "\n";
    return all;
}

void compare_findings(const Recipe& recipe, const Collector& collector) {
    INFO("found\n" << text(collector.found_));
    const auto& wanted = recipe.findings;
    const bool any = std::any_of(wanted.begin(), wanted.end(),
                                 [](const auto& expected) { return expected.id == "any"; });
    if (any) {
        CHECK_FALSE(collector.found_.empty());
    } else {
        CHECK(collector.found_.size() == wanted.size());
    }
    for (const ExpectedFinding& expected : wanted) {
        if (expected.id == "any") continue;
        INFO("expected " << expected.id);
        const auto [from, to] = collector.found_.equal_range(expected.id);
        const bool met = std::any_of(from, to, [&](const auto& item) {
            return !expected.range || item.second == *expected.range;
        });
        CHECK(met);
    }
}

int status_of(const RepairResult& result) {
    return (result.changed ? 1 : 0) | (result.after.errors != 0 ? 4 : 0);
}

void compare_content(const Recipe& recipe) {
    if (recipe.reads.empty()) return;
    const Image image = Image::open(recipe.device);
    WindowReader reader(image);
    for (const ExpectedContent& expected : recipe.reads) {
        for (std::uint64_t i = 0; i < expected.range.blocks; ++i) {
            const BlockIndex block{expected.range.first + i};
            INFO("block " << block.value << " should read as " << expected.what);
            struct Damage final : DamageSink {
                std::set<std::uint64_t> blocks;
                void damaged(const ExtentDamage& damage) override {
                    for (unsigned b = 0; b < damage.extent.blocks; ++b)
                        blocks.insert(damage.extent.first.value + b);
                }
            } damage;
            const WindowIndex window = window_of(block);
            std::vector<std::byte> content(image.geometry().blocks_in_window(window) * block_bytes);
            reader.read(window, content, &damage);
            CHECK(damage.blocks.contains(block.value) == (expected.what == "eio"));
            const auto* got = content.data() + block.value % window_blocks * block_bytes;
            const std::vector<std::byte> zeros(block_bytes);
            const std::byte* wanted = zeros.data();
            if (expected.what == "same") wanted = recipe.same.data() + block.value * block_bytes;
            if (expected.what == "newer") wanted = recipe.newer.data() + block.value * block_bytes;
            if (expected.what == "eio") continue;
            CHECK(std::equal(got, got + block_bytes, wanted));
        }
    }
}

// Threads take 8 windows at a time, so most cases have work for one alone.
bool has_work_for_threads(const Recipe& recipe) {
    constexpr std::uint64_t batch_bytes = 8 * window_bytes;
    return recipe.device.size_bytes() > 2 * batch_bytes;
}

void run_case(const std::string& path) {
    Recipe recipe(path);
    if (under_thread_sanitizer && !has_work_for_threads(recipe)) return;
    {
        const TestDevice sound(recipe.sound);
        Collector nothing;
        CHECK(check(sound, {}, nothing, {.threads = 1}).clean());
    }
    const std::vector<std::byte> damaged = recipe.device.bytes();
    Collector first;
    CheckOptions options = recipe.options.check;
    check(recipe.device, options, first, {.threads = 2});
    compare_findings(recipe, first);
    CHECK(same_bytes(recipe.device.bytes(), damaged));

    Collector planned;
    if (recipe.options.resize) {
        recipe.options.resize = [&](std::uint64_t size) { recipe.device.resize(size); };
    }
    LogMemory log;
    const RepairResult result =
        repair(recipe.device, &log, recipe.options, planned, {.threads = 2});
    CHECK(status_of(result) == recipe.status);
    CHECK_FALSE(result.rolled_back);
    for (const std::string& action : recipe.plan) {
        INFO("planned " << action);
        CHECK(planned.plan_.contains(action));
    }
    compare_content(recipe);

    const std::vector<std::byte> repaired = recipe.device.bytes();
    LogMemory second_log;
    const RepairResult second =
        repair(recipe.device, &second_log, recipe.options, planned, {.threads = 1});
    CHECK(status_of(second) == recipe.again.value_or(recipe.status & 4));
    CHECK(same_bytes(recipe.device.bytes(), repaired));
    if (!result.changed) {
        CHECK(same_bytes(repaired, damaged));
        return;
    }
    UndoLog undo = UndoLog::open(log);
    undo.verify(recipe.device, UndoLog::Trust::verify);
    undo.undo(recipe.device, recipe.options.resize);
    CHECK(same_bytes(recipe.device.bytes(), damaged));
    UndoLog redo = UndoLog::open(log);
    redo.verify(recipe.device, UndoLog::Trust::verify);
    redo.apply(recipe.device, recipe.options.resize);
    CHECK(same_bytes(recipe.device.bytes(), repaired));
}

}  // namespace

TEST_CASE("every damaged image of tests/cases is found, repaired and undone as its recipe says") {
    std::set<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(INSITU_CASES)) {
        if (entry.path().extension() == ".case") paths.insert(entry.path().string());
    }
    REQUIRE(paths.size() >= 60);
    for (const std::string& path : paths) {
        INFO(path);
        try {
            run_case(path);
        } catch (const std::exception& error) {
            FAIL_CHECK(error.what());
        }
    }
}

TEST_CASE("a payload of more sectors than its stream needs reads, and is a warning") {
    Random random = make_random(41);
    PackOptions options;
    options.extents.blocks = window_blocks;
    options.seals = Seals::none;
    const auto content = make_content(random, Content::text, window_bytes);
    const auto store = pack_in_memory(content, options);
    const Image image = Image::open(*store);
    const Extent extent = MetaCursor(image).map(WindowIndex{0}).extent_at(0);
    REQUIRE(extent.blocks == window_blocks);
    const std::uint64_t at = image.geometry().block_at_byte({0});
    // The length word moves to the end of one more sector.
    const std::uint64_t word_at = at + extent.payload_sectors * sector_bytes - length_word_bytes;
    std::vector<std::byte> word(length_word_bytes);
    store->read_at(word_at, word);
    store->zero(word_at, length_word_bytes + sector_bytes);
    store->write_at(word_at + sector_bytes, word);
    WindowMap map;
    map.set_extent({0, extent.blocks, extent.payload_sectors + 1});
    std::array<std::byte, window_meta_bytes> meta{};
    map.encode(meta);
    store->write_at(image.geometry().meta_at_byte(), meta);

    class Warnings final : public FindingSink {
      public:
        void found(const Finding& finding) override {
            REQUIRE(finding.id == FindingId::p01);
            CHECK(finding.severity == Severity::warning);
            CHECK(finding.effect == KernelEffect::none);
            ++count;
        }
        unsigned count = 0;
    } warnings;
    check(*store, {}, warnings, {.threads = 1});
    CHECK(warnings.count == 1);
    CHECK(same_bytes(unpack_in_memory(*store), content));
}
