// SPDX-License-Identifier: GPL-2.0-or-later
// The power cut in the middle of a repair, at any write of the image or of its log; and logs that
// belong to something else.
#include <cerrno>

#include "fsck/damage.hpp"
#include "fsck/test_device.hpp"
#include "insitu/error.hpp"
#include "insitu/repair.hpp"
#include "support/catch.hpp"
#include "testing/fault_store.hpp"

using namespace insitu;
using namespace insitu::test;

namespace {

using Bytes = std::vector<std::byte>;

// A log that fails from its n-th write on.
class FaultyLog final : public LogMedium {
  public:
    FaultyLog(LogMemory& below, std::uint64_t fails_at) : below_(below), fails_at_(fails_at) {}
    const std::string& name() const noexcept override { return below_.name(); }
    std::uint64_t size_bytes() const override { return below_.size_bytes(); }
    void read_at(std::uint64_t at_byte, ByteSpan output) const override {
        below_.read_at(at_byte, output);
    }
    void write_at(std::uint64_t at_byte, ByteView input) override {
        if (writes_++ >= fails_at_) {
            below_.write_at(at_byte, input.first(input.size() / 3));
            throw io_error({.file = name()}, "cannot write", ENOSPC);
        }
        below_.write_at(at_byte, input);
    }
    void sync() override {}
    std::uint64_t writes() const { return writes_; }

  private:
    LogMemory& below_;
    std::uint64_t fails_at_;
    std::uint64_t writes_ = 0;
};

class Ignore final : public FindingSink {
  public:
    void found(const Finding&) override {}
};

// The first of some images whose repair changes meta and stores payloads again.
Bytes make_damaged(std::uint64_t salt) {
    for (std::uint64_t number = salt * 1000;; ++number) {
        Random random = make_random(number);
        const Victim victim = make_victim(random, Harm::any_mixture);
        TestDevice device(victim.image);
        FaultStore counting(device);
        LogMemory log;
        Ignore ignore;
        const RepairResult result = repair(counting, &log, {}, ignore, {.threads = 1});
        if (result.changed && counting.writes() > 3) return victim.image;
    }
}

}  // namespace

TEST_CASE("a repair that is cut off at any write of the image is completed by the next run") {
    const Bytes damaged = make_damaged(1);
    TestDevice clean_run(damaged);
    FaultStore counting(clean_run);
    LogMemory log;
    Ignore ignore;
    REQUIRE(repair(counting, &log, {}, ignore, {.threads = 1}).changed);
    const std::uint64_t writes = counting.writes();
    REQUIRE(writes > 1);
    for (std::uint64_t n = 0; n < writes; ++n) {
        for (const std::uint64_t torn : {0U, 700U}) {
            INFO("write " << n << ", " << torn << " bytes of it");
            TestDevice device(damaged);
            FaultStore faulty(device);
            faulty.fail_writes(n, EIO, torn);
            LogMemory cut;
            CHECK_THROWS_AS(repair(faulty, &cut, {}, ignore, {.threads = 1}), Error);
            CHECK(finish_interrupted(device, cut, {}) == InterruptedWork::completed);
            CHECK(device.bytes() == clean_run.bytes());
            // And an undo that is cut off at the same place.
            FaultStore faulty_undo(device);
            faulty_undo.fail_writes(n, EIO, torn);
            UndoLog undo = UndoLog::open(cut);
            CHECK_THROWS_AS(undo.undo(faulty_undo, {}), Error);
            CHECK(finish_interrupted(device, cut, {}) == InterruptedWork::rolled_back);
            CHECK(device.bytes() == damaged);
        }
    }
}

TEST_CASE("a repair whose log cannot be written leaves the image repaired or as it was") {
    const Bytes damaged = make_damaged(2);
    TestDevice clean_run(damaged);
    LogMemory full_log;
    FaultyLog counting(full_log, FaultStore::never);
    Ignore ignore;
    REQUIRE(repair(clean_run, &counting, {}, ignore, {.threads = 1}).changed);
    for (std::uint64_t n = 0; n < counting.writes(); ++n) {
        INFO("write " << n << " of the log");
        TestDevice device(damaged);
        LogMemory cut;
        FaultyLog faulty(cut, n);
        CHECK_THROWS_AS(repair(device, &faulty, {}, ignore, {.threads = 1}), Error);
        if (device.bytes() == damaged) continue;
        CHECK(device.bytes() == clean_run.bytes());
        CHECK(finish_interrupted(device, cut, {}) == InterruptedWork::completed);
        CHECK(device.bytes() == clean_run.bytes());
    }
}

TEST_CASE("an undo log refuses another image, a changed one, and a torn log") {
    const Bytes damaged = make_damaged(3);
    TestDevice device(damaged);
    LogMemory log;
    Ignore ignore;
    REQUIRE(repair(device, &log, {}, ignore, {.threads = 1}).changed);
    const UndoLog undo = UndoLog::open(log);
    TestDevice changed(device.bytes());
    changed.bytes()[block_bytes + 3] ^= std::byte{1};
    CHECK_THROWS_AS(undo.verify(changed, UndoLog::Trust::verify), Error);
    CHECK_NOTHROW(undo.verify(changed, UndoLog::Trust::force));
    TestDevice longer(device.bytes());
    longer.resize(device.size_bytes() + block_bytes);
    CHECK_THROWS_AS(undo.verify(longer, UndoLog::Trust::verify), Error);
    for (const std::size_t at : {std::size_t{1030}, log.bytes().size() - 1}) {
        LogMemory torn;
        torn.bytes() = log.bytes();
        torn.bytes()[at] ^= std::byte{1};
        CHECK_THROWS_AS(UndoLog::open(torn), Error);
    }
    LogMemory empty;
    CHECK_THROWS_AS(UndoLog::open(empty), Error);
}
