// SPDX-License-Identifier: GPL-2.0-or-later
// The power cut in the middle of a repair, at any write of the image or of its log; and logs that
// belong to something else.
#include <cerrno>

#include "fsck/damage.hpp"
#include "fsck/test_device.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/format/geometry.hpp"
#include "insitu/repair.hpp"
#include "support/catch.hpp"
#include "support/power_cut.hpp"
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

// How many events of each medium there had been when something was done to the log.
struct Moment {
    std::size_t image_events;
    std::size_t log_events;
};

// A log whose writes and syncs are recorded, and in what order with those of the image.
class RecordedLog final : public LogMedium {
  public:
    RecordedLog(const RecordingStore& image, LogMemory& start)
        : image_(image), start_(start.bytes()), size_(start_.size()) {
        start_.resize(store_bytes);
        store_ = std::make_unique<RecordingStore>(start_);
    }
    const std::string& name() const noexcept override { return store_->name(); }
    std::uint64_t size_bytes() const override { return size_; }
    void read_at(std::uint64_t at_byte, ByteSpan output) const override {
        store_->read_at(at_byte, output);
    }
    void write_at(std::uint64_t at_byte, ByteView input) override {
        moments_.push_back({image_.event_count(), store_->event_count()});
        store_->write_at(at_byte, input);
        size_ = std::max<std::uint64_t>(size_, at_byte + input.size());
    }
    void sync() override {
        moments_.push_back({image_.event_count(), store_->event_count()});
        store_->sync();
    }

    // All moments at which the power can be cut, in their order: any event of either medium.
    std::vector<Moment> cuts() const {
        std::vector<Moment> all;
        std::size_t image_events = 0;
        for (const Moment& moment : moments_) {
            for (; image_events < moment.image_events; ++image_events)
                all.push_back({image_events, moment.log_events});
            all.push_back(moment);
        }
        all.push_back({image_.event_count(), store_->event_count()});
        return all;
    }
    // What a cut leaves of the log; behind what was written there is nothing.
    Bytes after_cut(std::size_t events, Random& random) const {
        Bytes bytes = cut_power(start_, store_->events(), events, random);
        const auto is_written = [](std::byte byte) { return byte != std::byte{}; };
        const auto end = std::find_if(bytes.rbegin(), bytes.rend(), is_written).base();
        bytes.resize(ceil_div(static_cast<std::uint64_t>(end - bytes.begin()), sector_bytes) *
                     sector_bytes);
        return bytes;
    }

  private:
    static constexpr std::size_t store_bytes = 4 << 20;
    const RecordingStore& image_;
    Bytes start_;
    std::uint64_t size_;
    std::unique_ptr<RecordingStore> store_;
    std::vector<Moment> moments_;
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

// Media keep what they have not synced, or lose it, sector by sector. The next run must be able to
// tell how far the work came: it ends it, or finds it not begun, or finished.
TEST_CASE("a power cut that loses what was not synced leaves an image that the log explains") {
    for (const std::uint64_t salt : {4U, 5U, 6U}) {
        const Bytes damaged = make_damaged(salt);
        Random random = make_random(salt);
        Ignore ignore;
        LogMemory none;
        RecordingStore image(damaged);
        RecordedLog log(image, none);
        REQUIRE(repair(image, &log, {}, ignore, {.threads = 1}).changed);
        Bytes repaired(damaged.size());
        image.read_at(0, repaired);
        std::size_t completed = 0;
        for (const Moment& cut : log.cuts()) {
            for (int draw = 0; draw < 10; ++draw) {
                INFO("image " << salt << ", after event " << cut.image_events
                              << " of the image and " << cut.log_events << " of the log");
                TestDevice device(cut_power(damaged, image.events(), cut.image_events, random));
                LogMemory left;
                left.bytes() = log.after_cut(cut.log_events, random);
                if (UndoLog::cut_off_early(left)) {
                    REQUIRE(device.bytes() == damaged);
                    continue;
                }
                const LogState state = UndoLog::open(left).state();
                const InterruptedWork work = finish_interrupted(device, left, {});
                REQUIRE((work == InterruptedWork::completed) == (state == LogState::applying));
                REQUIRE(device.bytes() == (state == LogState::planning ? damaged : repaired));
                completed += work == InterruptedWork::completed ? 1 : 0;
            }
        }
        CHECK(completed > 0);
    }
}

TEST_CASE("a power cut in an undo that loses what was not synced is explained by its log") {
    const Bytes damaged = make_damaged(7);
    Random random = make_random(7);
    Ignore ignore;
    LogMemory applied;
    TestDevice clean_run(damaged);
    REQUIRE(repair(clean_run, &applied, {}, ignore, {.threads = 1}).changed);
    RecordingStore image(clean_run.bytes());
    RecordedLog log(image, applied);
    UndoLog::open(log).undo(image, {});
    std::size_t rolled_back = 0;
    for (const Moment& cut : log.cuts()) {
        for (int draw = 0; draw < 30; ++draw) {
            TestDevice device(
                cut_power(clean_run.bytes(), image.events(), cut.image_events, random));
            LogMemory left;
            left.bytes() = log.after_cut(cut.log_events, random);
            const LogState state = UndoLog::open(left).state();
            const InterruptedWork work = finish_interrupted(device, left, {});
            REQUIRE((work == InterruptedWork::rolled_back) == (state == LogState::undoing));
            REQUIRE(device.bytes() == (state == LogState::applied ? clean_run.bytes() : damaged));
            rolled_back += work == InterruptedWork::rolled_back ? 1 : 0;
        }
    }
    CHECK(rolled_back > 0);
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
