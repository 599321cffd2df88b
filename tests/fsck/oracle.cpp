// SPDX-License-Identifier: GPL-2.0-or-later
#include "fsck/oracle.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>

#include "insitu/check.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/internal/image/window_reader.hpp"
#include "support/catch.hpp"
#include "testing/fault_store.hpp"

namespace insitu::test {

namespace {

class DamagedBlocks final : public DamageSink {
  public:
    void damaged(const ExtentDamage& damage) override {
        for (unsigned i = 0; i < damage.extent.blocks; ++i)
            blocks.insert(damage.extent.first.value + i);
    }
    std::set<std::uint64_t> blocks;
};

// The damaged image, before anything is done to it.
struct Before {
    explicit Before(const Victim& victim) : device(victim.image) {}
    const TestDevice device;
    std::vector<BlockView> blocks;
    Told told;
    CheckResult check;
};

void examine(const Victim& victim, unsigned threads, Before& before) {
    before.check = check(before.device, {}, before.told, {.threads = threads});
    REQUIRE(before.device.bytes() == victim.image);
    before.blocks = read_blocks(before.device);
    INFO(fmt::format("{}", fmt::join(before.told.findings, "\n")));
    for (std::uint64_t block = 0; block < before.blocks.size(); ++block) {
        if (before.blocks[block].readable) continue;
        INFO("block " << block << " cannot be read");
        REQUIRE(before.told.damaged.contains(block));
    }
}

// An extent that is sound, by its meta and its payload, is the same bytes afterwards.
void sound_extents_stay(const TestDevice& before, const TestDevice& after) {
    const Image image = Image::open(before, SizeCheck::trust_super);
    const Image repaired = Image::open(after, SizeCheck::trust_super);
    WindowReader reader(image);
    MetaCursor meta(repaired);
    std::vector<std::byte> content(window_bytes);
    for (std::uint64_t w = 0; w < image.geometry().window_count(); ++w) {
        const auto touching = reader.meta().extents_touching({w});
        for (const StoredExtent& extent : std::vector(touching.begin(), touching.end())) {
            const bool inside = window_of(extent.first).value == w &&
                                window_of(extent.first + (extent.blocks - 1)).value == w;
            if (!inside || extent.fault != ExtentFault::none || extent.unmapped()) continue;
            const ByteSpan output = ByteSpan(content).first(extent.blocks * block_bytes);
            const std::uint64_t long_words = reader.long_words();
            if (reader.read_extent(extent, output)) continue;
            // Only its content has to stay: it may get a length word that is right.
            if (reader.long_words() != long_words) continue;
            INFO("sound extent at block " << extent.first.value << " of " << extent.blocks);
            const WindowMap map = meta.map({w});
            const auto first = static_cast<unsigned>(extent.first.value % window_blocks);
            REQUIRE_FALSE(map.is_tail(first));
            REQUIRE(map.extent_at(first) == Extent{first, extent.blocks, extent.payload_sectors});
            const auto at =
                static_cast<std::ptrdiff_t>(image.geometry().block_at_byte(extent.first));
            const auto length = static_cast<std::ptrdiff_t>(extent.payload_sectors * sector_bytes);
            REQUIRE(std::equal(before.bytes().begin() + at, before.bytes().begin() + at + length,
                               after.bytes().begin() + at));
        }
    }
}

// Every block reads as it did, or holds what it once held, or stands in the plan.
void contents_are_explained(const Victim& victim, const Before& before, const TestDevice& device,
                            const Told& told, const RepairOptions& options) {
    const auto after = read_blocks(device);
    REQUIRE(after.size() == before.blocks.size());
    for (std::uint64_t block = 0; block < after.size(); ++block) {
        INFO("block " << block);
        const BlockView& old = before.blocks[block];
        const BlockView& now = after[block];
        const bool same = old.readable == now.readable && old.content == now.content;
        if (!options.trust_payloads && !options.rebuild_meta && old.readable && old.mapped) {
            REQUIRE(same);
        }
        if (!old.readable) {
            ++tally().unreadable;
            if (now.readable && !told.listed.contains(block)) {
                ++tally().regained;
                const auto newest =
                    ByteView(victim.model.content()).subspan(block * block_bytes, block_bytes);
                if (std::equal(newest.begin(), newest.end(), now.content.begin())) {
                    ++tally().newest;
                }
            }
        }
        if (same || told.listed.contains(block)) continue;
        REQUIRE(now.readable);
        if (victim.model.ever_held(block, now.content)) continue;
        ++tally().torn;
        REQUIRE(victim.torn);
    }
}

void undo_and_redo(const Victim& victim, LogMedium& log, TestDevice& device) {
    const std::vector<std::byte> repaired = device.bytes();
    UndoLog undo = UndoLog::open(log);
    undo.verify(device, UndoLog::Trust::verify);
    undo.undo(device, {});
    REQUIRE(device.bytes() == victim.image);
    UndoLog redo = UndoLog::open(log);
    redo.verify(device, UndoLog::Trust::verify);
    redo.apply(device, {});
    REQUIRE(device.bytes() == repaired);
}

// The same repair, cut off at one of its writes: the next run ends it, or it has changed nothing.
void cut_and_continue(const Victim& victim, const RepairOptions& options, std::uint64_t writes,
                      const std::vector<std::byte>& repaired, Random& random) {
    TestDevice device(victim.image);
    FaultStore faulty(device);
    const std::uint64_t cut = below(random, writes);
    const std::uint64_t torn_bytes = below(random, block_bytes);
    INFO("cut off at write " << cut << " of " << writes << ", " << torn_bytes << " bytes of it");
    faulty.fail_writes(cut, EIO, torn_bytes);
    LogMemory log;
    Told told;
    REQUIRE_THROWS_AS(repair(faulty, &log, options, told, {.threads = 2}), Error);
    if (finish_interrupted(device, log, {}) == InterruptedWork::completed) {
        REQUIRE(same_bytes(device.bytes(), repaired));
    } else {
        REQUIRE(same_bytes(device.bytes(), victim.image));
    }
    ++tally().cut;
}

}  // namespace

Tally& tally() {
    static Tally sums;
    return sums;
}

std::vector<BlockView> read_blocks(const Store& store) {
    DamagedBlocks damage;
    const Image image = Image::open(store, SizeCheck::trust_super);
    WindowReader reader(image);
    std::vector<BlockView> views;
    for (std::uint64_t w = 0; w < image.geometry().window_count(); ++w) {
        const unsigned blocks = image.geometry().blocks_in_window({w});
        std::vector<std::byte> content(blocks * block_bytes);
        const std::uint32_t mapped = reader.read({w}, content, &damage);
        for (unsigned i = 0; i < blocks; ++i) {
            const auto from = content.begin() + static_cast<std::ptrdiff_t>(i * block_bytes);
            views.push_back({{from, from + block_bytes}, ((mapped >> i) & 1) != 0, true});
        }
    }
    for (const std::uint64_t block : damage.blocks) {
        if (block < views.size()) views[block].readable = false;
    }
    return views;
}

void Told::found(const Finding& finding) {
    findings.push_back(fmt::format("{} {} {}+{} {}", kind_of(finding.id).name,
                                   to_string(finding.severity), finding.block.value, finding.blocks,
                                   finding.detail));
    for (std::uint64_t i = 0; finding.severity == Severity::error && i < finding.blocks; ++i)
        damaged.insert(finding.block.value + i);
}

void Told::planned(const PlannedAction& action) {
    plan.push_back(fmt::format("{} {}+{} {}", to_string(action.kind), action.block.value,
                               action.blocks, action.detail));
    const bool tells = is_suspect(action.kind) || action.kind == ActionKind::lose ||
                       action.kind == ActionKind::unmap;
    for (std::uint64_t i = 0; tells && i < action.blocks; ++i)
        listed.insert(action.block.value + i);
}

void judge(const Victim& victim, const RepairOptions& options, unsigned threads, Random& random) {
    ++tally().images;
    Before before(victim);
    examine(victim, threads, before);
    TestDevice device(victim.image);
    Told dry;
    repair(device, nullptr, options, dry, {.threads = threads});
    REQUIRE(device.bytes() == victim.image);

    LogMemory log;
    Told told;
    FaultStore counting(device);
    const RepairResult result = repair(counting, &log, options, told, {.threads = 3 - threads});
    std::string plan;
    for (const std::string& line : told.findings)
        plan += line + "\n";
    for (const std::string& line : told.plan)
        plan += "plan: " + line + "\n";
    INFO(plan);
    REQUIRE(dry.plan == told.plan);
    REQUIRE(dry.findings == told.findings);
    if (!options.rebuild_meta) REQUIRE(told.findings == before.told.findings);
    REQUIRE_FALSE(result.rolled_back);
    REQUIRE(result.changed == (device.bytes() != victim.image));
    tally().repaired += result.changed ? 1 : 0;
    tally().undecided += result.undecided_blocks;
    tally().lost += result.lost_blocks;
    tally().suspect += result.suspect_blocks;
    if (!options.trust_payloads && !options.rebuild_meta) {
        sound_extents_stay(before.device, device);
    }
    contents_are_explained(victim, before, device, told, options);

    Told left;
    const CheckResult rest = check(device, {}, left, {.threads = 1});
    REQUIRE(rest.counts.errors == result.after.errors);
    const std::vector<std::byte> repaired = device.bytes();
    LogMemory second_log;
    Told again;
    const RepairResult second = repair(device, &second_log, options, again, {.threads = threads});
    INFO("second run:\n"
         << fmt::format("{}", fmt::join(again.findings, "\n")) << "\n"
         << fmt::format("{}", fmt::join(again.plan, "\n")));
    REQUIRE_FALSE(second.changed);
    REQUIRE(device.bytes() == repaired);
    REQUIRE(second_log.bytes().empty());
    if (!result.changed) return;
    undo_and_redo(victim, log, device);
    cut_and_continue(victim, options, counting.writes(), repaired, random);
}

}  // namespace insitu::test
