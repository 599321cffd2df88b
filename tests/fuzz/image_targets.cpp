// SPDX-License-Identifier: GPL-2.0-or-later
// Whole devices: intents of the live device, undo logs, and check and repair of any image.
#include <algorithm>
#include <array>

#include "fsck/test_device.hpp"
#include "fuzz/targets.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/format/intent.hpp"
#include "insitu/internal/format/window_map.hpp"
#include "insitu/internal/journal/recovery.hpp"
#include "insitu/repair.hpp"

namespace insitu::fuzz {

namespace {

constexpr std::uint64_t data_blocks = 40;

class Ignore final : public FindingSink {
  public:
    void found(const Finding&) override {}
};

// A device of 40 data blocks with these bytes from `at_byte` on.
std::vector<std::byte> device_bytes(Algorithm algorithm, std::uint64_t at_byte, ByteView input) {
    SuperBlock super;
    super.counts = {1, data_blocks};
    super.comp_alg = static_cast<std::uint8_t>(algorithm);
    std::vector<std::byte> bytes(Geometry(super.counts).device_bytes());
    encode_super_block(super, ByteSpan(bytes).first<block_bytes>());
    const std::size_t length = std::min<std::size_t>(input.size(), bytes.size() - at_byte);
    std::copy_n(input.begin(), length, bytes.begin() + static_cast<std::ptrdiff_t>(at_byte));
    return bytes;
}

}  // namespace

void intent(ByteView input) {
    if (input.size() >= sector_bytes) {
        const auto found = decode_intent(input.first<sector_bytes>());
        if (found) {
            std::array<std::byte, sector_bytes> again{};
            encode_intent(*found, again);
            FUZZ_REQUIRE(decode_intent(again) == found);
        }
    }
    test::TestDevice device(device_bytes(Algorithm::lzo, intent_slot_at_byte(0), input));
    const std::vector<std::byte> before = device.bytes();
    try {
        const Recovery first = apply_intents(device);
        const std::vector<std::byte> applied = device.bytes();
        FUZZ_REQUIRE(apply_intents(device).windows == first.windows);
        FUZZ_REQUIRE(device.bytes() == applied);
        FUZZ_REQUIRE(first.windows != 0 || applied == before);
        clear_intents(device);
        FUZZ_REQUIRE(!has_intent(device));
    } catch (const Error&) {
        FUZZ_REQUIRE(device.bytes() == before);
    }
}

void undo_log(ByteView input) {
    LogMemory log;
    log.bytes().assign(input.begin(), input.end());
    test::TestDevice device(device_bytes(Algorithm::lzo, 0, {}));
    const auto resize = [&](std::uint64_t size) {
        constexpr std::uint64_t most_bytes = 1 << 24;
        if (size > most_bytes) throw Error(ErrorKind::refused, {}, "too long for a test");
        device.resize(size);
    };
    try {
        UndoLog undo = UndoLog::open(log);
        undo.verify(device, UndoLog::Trust::verify);
        (void)finish_interrupted(device, log, resize);
        undo = UndoLog::open(log);
        if (undo.state() == LogState::applied) undo.undo(device, resize);
    } catch (const Error&) {
        // A log that is none, or of another image.
    }
    try {
        UndoLog::open(log).undo(device, resize);
    } catch (const Error&) {
    }
}

// The first byte chooses codec and options; then meta, then data from the first block on.
void repair(ByteView input) {
    constexpr std::size_t meta_bytes = meta_bytes_for(data_blocks);
    if (input.size() < 1 + meta_bytes) return;
    const auto flags = static_cast<unsigned>(input[0]);
    std::vector<std::byte> bytes =
        device_bytes((flags & 1) != 0 ? Algorithm::deflate : Algorithm::lzo, 2 * block_bytes,
                     input.subspan(1 + meta_bytes));
    std::copy_n(input.begin() + 1, meta_bytes, bytes.begin() + block_bytes);
    test::TestDevice device(bytes);
    Ignore ignore;
    const Control control{.threads = 1};
    const CheckResult checked = check(device, {}, ignore, control);
    FUZZ_REQUIRE(device.bytes() == bytes);
    RepairOptions options;
    options.salvage = (flags & 2) != 0;
    options.trust_payloads = (flags & 4) != 0;
    options.rebuild_meta = (flags & 8) != 0;
    LogMemory log;
    const RepairResult result = insitu::repair(device, &log, options, ignore, control);
    FUZZ_REQUIRE(!result.rolled_back);
    FUZZ_REQUIRE(result.changed == (device.bytes() != bytes));
    if (!options.rebuild_meta) FUZZ_REQUIRE(result.before.errors == checked.counts.errors);
    FUZZ_REQUIRE(check(device, {}, ignore, control).counts.errors == result.after.errors);
    const std::vector<std::byte> repaired = device.bytes();
    LogMemory second;
    FUZZ_REQUIRE(!insitu::repair(device, &second, options, ignore, control).changed);
    FUZZ_REQUIRE(device.bytes() == repaired);
    if (!result.changed) return;
    UndoLog undo = UndoLog::open(log);
    undo.verify(device, UndoLog::Trust::verify);
    undo.undo(device, {});
    FUZZ_REQUIRE(device.bytes() == bytes);
}

}  // namespace insitu::fuzz
