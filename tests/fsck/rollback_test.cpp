// SPDX-License-Identifier: GPL-2.0-or-later
// A repair whose result is worse than what it began with is taken back.
#include <cerrno>
#include <functional>

#include "fsck/test_device.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/repair.hpp"
#include "support/catch.hpp"
#include "support/driver_model.hpp"

using namespace insitu;
using namespace insitu::test;

namespace {

using Bytes = std::vector<std::byte>;

// A medium that goes bad under the repair: the first write to it calls `spoil`, once.
class BadMedium final : public Store {
  public:
    BadMedium(TestDevice& below, std::function<void(TestDevice&)> spoil)
        : Store("device"), below_(below), spoil_(std::move(spoil)) {}

    std::uint64_t size_bytes() const override { return below_.size_bytes(); }
    void read_at(std::uint64_t at_byte, ByteSpan output) const override {
        below_.read_at(at_byte, output);
    }
    void write_at(std::uint64_t at_byte, ByteView input) override {
        if (fails_after_ != 0 && --fails_after_ == 0) {
            throw io_error({.file = name()}, "cannot write", EIO);
        }
        below_.write_at(at_byte, input);
        if (spoil_) spoil_(below_);
        spoil_ = nullptr;
    }
    void zero(std::uint64_t at_byte, std::uint64_t length_bytes) override {
        below_.zero(at_byte, length_bytes);
    }
    void sync() override {}
    void fail_at_write(unsigned number) { fails_after_ = number; }

  private:
    TestDevice& below_;
    std::function<void(TestDevice&)> spoil_;
    unsigned fails_after_ = 0;
};

class Ignore final : public FindingSink {
  public:
    void found(const Finding&) override {}
};

// Compressed extents of 8 blocks; the share of one head is wrong.
Bytes damaged_image() {
    Random random = make_random(1);
    DriverModel model(96, Algorithm::lzo);
    for (unsigned block = 0; block < 96; block += 8)
        model.write(block, make_content(random, Content::text, 8 * block_bytes));
    model.flush();
    Bytes image = model.image();
    image[block_bytes] |= std::byte{15};
    return image;
}

// Makes the meta of one more extent, which the repair has not touched, as bad as the first.
void spoil_other_meta(TestDevice& device) {
    device.bytes()[block_bytes + 2 * window_meta_bytes] |= std::byte{15};
}

// The block that the repair has just written holds something else.
void spoil_written_meta(TestDevice& device) {
    device.bytes()[block_bytes] |= std::byte{15};
    device.bytes()[block_bytes + window_meta_bytes] |= std::byte{15};
}

}  // namespace

TEST_CASE("a repair after which more is damaged than before is taken back") {
    const Bytes damaged = damaged_image();
    for (const auto& spoil : {spoil_other_meta, spoil_written_meta}) {
        TestDevice device(damaged);
        BadMedium medium(device, spoil);
        LogMemory log;
        Ignore ignore;
        const RepairResult result = repair(medium, &log, {}, ignore, {.threads = 2});
        CHECK(result.rolled_back);
        CHECK_FALSE(result.changed);
        CHECK(result.after.errors == result.before.errors);
        CHECK(UndoLog::open(log).state() == LogState::undone);
        // Whatever the repair has changed is as it was.
        TestDevice expected(damaged);
        spoil(expected);
        CHECK((device.bytes() == expected.bytes()));
    }
}

TEST_CASE("a repair that did not do what was planned is taken back") {
    const Bytes damaged = damaged_image();
    TestDevice device(damaged);
    // As many blocks are damaged as before, but the repair has promised none.
    BadMedium medium(device,
                     [](TestDevice& below) { below.bytes()[block_bytes] |= std::byte{15}; });
    LogMemory log;
    Ignore ignore;
    CHECK(repair(medium, &log, {}, ignore, {.threads = 1}).rolled_back);
    CHECK((device.bytes() == damaged));
}

TEST_CASE("a rollback that is cut off is completed by the next run") {
    const Bytes damaged = damaged_image();
    TestDevice device(damaged);
    BadMedium medium(device, spoil_other_meta);
    medium.fail_at_write(2);  // the first is the repair, the second the rollback
    LogMemory log;
    Ignore ignore;
    CHECK_THROWS_AS(repair(medium, &log, {}, ignore, {.threads = 1}), Error);
    CHECK(UndoLog::open(log).state() == LogState::undoing);
    CHECK(finish_interrupted(device, log, {}) == InterruptedWork::rolled_back);
    TestDevice expected(damaged);
    spoil_other_meta(expected);
    CHECK((device.bytes() == expected.bytes()));
}

TEST_CASE("an honest repair of the same image is kept") {
    TestDevice device(damaged_image());
    LogMemory log;
    Ignore ignore;
    const RepairResult result = repair(device, &log, {}, ignore, {.threads = 1});
    CHECK(result.changed);
    CHECK_FALSE(result.rolled_back);
    CHECK(result.after.errors == 0);
}
