// Random sound images, random damage: what a repair may and may not do. And the power cut: a repair
// that ends at any write, of the image or of its log.
#include <algorithm>
#include <cerrno>
#include <functional>
#include <set>

#include "fsck/test_device.hpp"
#include "insitu/error.hpp"
#include "insitu/fsck/repair.hpp"
#include "insitu/image/window_reader.hpp"
#include "insitu/store/fault_store.hpp"
#include "support/catch.hpp"
#include "support/image_builder.hpp"
#include "support/random_content.hpp"

using namespace insitu;
using namespace insitu::test;

namespace {

using Bytes = std::vector<std::byte>;

constexpr unsigned data_blocks = 200;

// An image that was packed twice, so that stale payloads stand in its holes.
struct Sound {
    Bytes image;
    Bytes older_image;
    Bytes older;  // logical content
    Bytes newer;
};

Sound make_sound(Random& random) {
    Sound sound;
    PackOptions options;
    options.codec.algorithm = below(random, 2) == 0 ? Algorithm::lzo : Algorithm::deflate;
    options.target_content = TargetContent::unknown;
    sound.older = make_content(random, Content::mixed, data_blocks * block_bytes);
    sound.newer = make_content(random, Content::mixed, data_blocks * block_bytes);
    MemoryStore target(pack_target_bytes(data_blocks * block_bytes), std::byte{0});
    for (const Bytes* content : {&sound.older, &sound.newer}) {
        MemoryStore source(content->size(), std::byte{0}, "source");
        source.write_at(0, *content);
        constexpr unsigned sizes[]{0, 1, 8, 32};
        options.extents.blocks = sizes[below(random, 4)];
        pack(*make_source(source), target, options, {.threads = 1});
        (content == &sound.older ? sound.older_image : sound.image)
            .assign(target.bytes().begin(), target.bytes().end());
    }
    return sound;
}

enum class Damaged { meta_only, anything };

// One random damage.
void harm(Random& random, const Sound& sound, Bytes& image, Damaged what) {
    const std::uint64_t meta_bits = data_blocks * 5;
    const std::uint64_t data_at = 2 * block_bytes;
    const std::uint64_t sectors = (image.size() - data_at) / sector_bytes;
    const auto sector = [&] { return data_at + below(random, sectors) * sector_bytes; };
    const auto at = [&](std::uint64_t byte) {
        return image.begin() + static_cast<std::ptrdiff_t>(byte);
    };
    switch (below(random, what == Damaged::meta_only ? 4 : 8)) {
        case 0: {  // bits of meta
            for (std::uint64_t i = 0; i <= below(random, 4); ++i) {
                const std::uint64_t bit = below(random, meta_bits);
                image[block_bytes + bit / 8] ^=
                    std::byte{static_cast<unsigned char>(1U << bit % 8)};
            }
            break;
        }
        case 1: {  // a torn page of meta
            const std::uint64_t from = below(random, meta_bits / 8);
            const std::uint64_t to = from + below(random, meta_bits / 8 - from);
            std::copy(sound.older_image.begin() + static_cast<std::ptrdiff_t>(block_bytes + from),
                      sound.older_image.begin() + static_cast<std::ptrdiff_t>(block_bytes + to),
                      at(block_bytes + from));
            break;
        }
        case 2:  // all meta rolled back
            std::copy_n(sound.older_image.begin() + block_bytes, block_bytes, at(block_bytes));
            break;
        case 3: {  // foreign bytes in meta
            const std::uint64_t from = block_bytes + below(random, meta_bits / 8);
            for (std::uint64_t i = 0; i < 1 + below(random, 8); ++i)
                image[from + i] = static_cast<std::byte>(random());
            break;
        }
        case 4:
            image[data_at + below(random, image.size() - data_at)] ^= std::byte{4};
            break;
        case 5:
            std::fill_n(at(sector()), sector_bytes, std::byte{0});
            break;
        case 6: {
            const std::uint64_t a = sector();
            const std::uint64_t b = sector();
            if (a != b) std::swap_ranges(at(a), at(a + sector_bytes), at(b));
            break;
        }
        default:
            image.resize(image.size() - (1 + below(random, 60)) * block_bytes);
            break;
    }
}

// What a block reads as, and whether its extent is sound by the meta.
struct BlockView {
    Bytes content;
    bool readable = false;
    bool mapped = false;
};

std::vector<BlockView> read_blocks(const Store& store) {
    struct Sink final : DamageSink {
        std::set<std::uint64_t> blocks;
        void damaged(const ExtentDamage& damage) override {
            for (unsigned i = 0; i < damage.extent.blocks; ++i)
                blocks.insert(damage.extent.first.value + i);
        }
    } sink;
    const Image image = Image::open(store, SizeCheck::trust_super);
    WindowReader reader(image);
    std::vector<BlockView> views;
    for (std::uint64_t w = 0; w < image.geometry().window_count(); ++w) {
        const unsigned blocks = image.geometry().blocks_in_window({w});
        Bytes content(blocks * block_bytes);
        const std::uint32_t mapped = reader.read({w}, content, &sink);
        for (unsigned i = 0; i < blocks; ++i) {
            const auto from = content.begin() + static_cast<std::ptrdiff_t>(i * block_bytes);
            views.push_back({Bytes(from, from + block_bytes), true, ((mapped >> i) & 1) != 0});
        }
    }
    for (const std::uint64_t block : sink.blocks) {
        if (block < views.size()) views[block].readable = false;
    }
    return views;
}

class Reported final : public FindingSink {
  public:
    void found(const Finding&) override {}
    void planned(const PlannedAction& action) override {
        const bool tells = is_suspect(action.kind) || action.kind == ActionKind::lose ||
                           action.kind == ActionKind::unmap;
        for (std::uint64_t i = 0; tells && i < action.blocks; ++i)
            blocks_.insert(action.block.value + i);
    }
    std::set<std::uint64_t> blocks_;
};

bool holds(const Bytes& logical, std::uint64_t block, const Bytes& content) {
    return std::equal(content.begin(), content.end(),
                      logical.begin() + static_cast<std::ptrdiff_t>(block * block_bytes));
}

void try_damage(std::uint64_t number, Damaged what) {
    Random random = make_random(4000 + number);
    const Sound sound = make_sound(random);
    TestDevice device(sound.image);
    for (std::uint64_t i = 0; i <= below(random, 3); ++i)
        harm(random, sound, device.bytes(), what);
    const Bytes damaged = device.bytes();
    const auto before = read_blocks(device);

    LogMemory log;
    Reported reported;
    const RepairResult result =
        repair(device, &log, {}, reported, {.threads = static_cast<unsigned>(1 + number % 2)});
    REQUIRE_FALSE(result.rolled_back);
    const auto after = read_blocks(device);
    REQUIRE(after.size() == before.size());
    for (std::uint64_t block = 0; block < after.size(); ++block) {
        INFO("block " << block);
        const bool same = after[block].content == before[block].content;
        if (before[block].readable && before[block].mapped) {
            REQUIRE((same && after[block].readable));
        }
        if (same || !after[block].readable || reported.blocks_.contains(block)) continue;
        // Rotten data can decode: there is no checksum. Otherwise it is what once was written.
        if (what == Damaged::meta_only) {
            REQUIRE((holds(sound.newer, block, after[block].content) ||
                     holds(sound.older, block, after[block].content)));
        }
    }
    const Bytes repaired = device.bytes();
    LogMemory second;
    Reported again;
    const RepairResult twice = repair(device, &second, {}, again, {.threads = 1});
    REQUIRE_FALSE(twice.changed);
    REQUIRE(device.bytes() == repaired);
    if (!result.changed) return;
    UndoLog undo = UndoLog::open(log);
    undo.verify(device, UndoLog::Trust::verify);
    undo.undo(device, {});
    REQUIRE(device.bytes() == damaged);
}

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

Bytes make_damaged(std::uint64_t salt) {
    Random random = make_random(salt);
    const Sound sound = make_sound(random);
    Bytes image = sound.image;
    // A lost length word makes a payload to be written again, beside changes of meta.
    for (unsigned i = 0; i < 6; ++i)
        image[block_bytes + 1 + 20 * i] ^= std::byte{0x88};
    harm(random, sound, image, Damaged::meta_only);
    return image;
}

}  // namespace

TEST_CASE("a repair never touches what reads, reports what it guesses, and is done once") {
    for (std::uint64_t number = 0; number < 60; ++number) {
        INFO("meta damage " << number);
        try_damage(number, Damaged::meta_only);
    }
    for (std::uint64_t number = 100; number < 160; ++number) {
        INFO("any damage " << number);
        try_damage(number, Damaged::anything);
    }
}

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
