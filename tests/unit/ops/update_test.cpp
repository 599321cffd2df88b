// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <cerrno>

#include "insitu/check.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/device/device.hpp"
#include "insitu/internal/format/payload.hpp"
#include "insitu/internal/format/seal.hpp"
#include "insitu/internal/image/create.hpp"
#include "insitu/internal/image/meta_cursor.hpp"
#include "insitu/internal/image/unfinished.hpp"
#include "insitu/internal/journal/recovery.hpp"
#include "insitu/internal/ops/copy.hpp"
#include "support/catch.hpp"
#include "support/image_builder.hpp"
#include "support/power_cut.hpp"
#include "testing/fault_store.hpp"

using namespace insitu;
using namespace insitu::test;
using Catch::Matchers::Contains;

namespace {

using Bytes = std::vector<std::byte>;

std::string fault_in(const Store& store) {
    class First final : public FindingSink {
      public:
        void found(const Finding& finding) override {
            // What was there before is left in blocks that are unmapped now.
            if (finding.id != FindingId::m07) text += finding.detail + "; ";
        }
        std::string text;
    } sink;
    check(store, {}, sink, {.threads = 1});
    return sink.text;
}

void edit(Bytes& content, Random& random, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
        const std::size_t block = below(random, content.size() / block_bytes);
        const std::size_t blocks =
            std::min(1 + below(random, 5), content.size() / block_bytes - block);
        const auto kind = static_cast<Content>(below(random, 4));
        const Bytes fresh = make_content(random, kind, blocks * block_bytes);
        std::copy(fresh.begin(), fresh.end(),
                  content.begin() + static_cast<std::ptrdiff_t>(block * block_bytes));
    }
}

PackOptions packing(unsigned round) {
    PackOptions options;
    options.codec.algorithm = round % 2 == 0 ? Algorithm::lzo : Algorithm::deflate;
    options.extents.blocks = round % 3 == 0 ? 8 : 0;
    return options;
}

// The content that a target of another size holds: as much as fits, and zeros behind it.
void require_content(const Store& store, Bytes expected) {
    REQUIRE(fault_in(store) == "");
    Bytes content = unpack_in_memory(store);
    const std::size_t size = std::max(content.size(), expected.size());
    content.resize(size);
    expected.resize(size);
    REQUIRE(content == expected);
}

struct Pair {
    Bytes old_content;
    Bytes new_content;
    std::unique_ptr<MemoryStore> target;
    std::unique_ptr<MemoryStore> source;
};

Pair make_pair_of(Random& random, unsigned round, std::size_t blocks, unsigned edits) {
    Pair pair;
    pair.old_content = make_content(random, Content::mixed, blocks * block_bytes);
    pair.new_content = pair.old_content;
    edit(pair.new_content, random, edits);
    pair.target = pack_in_memory(pair.old_content, packing(round));
    pair.source = pack_in_memory(pair.new_content, packing(round));
    return pair;
}

UpdateResult update(const Store& source, Store& target, UpdateOptions options = {}) {
    options.identity = read_identity(source);
    return update_image(Image::open(source), target, options, {.threads = 1});
}

}  // namespace

TEST_CASE("an updated image is the new one, and what is equal is not written") {
    Random random = make_random(920);
    std::uint64_t trusted_bytes = 0;
    for (unsigned round = 0; round < 24; ++round) {
        const std::size_t blocks = 1 + below(random, 300);
        Pair pair = make_pair_of(random, round, blocks, static_cast<unsigned>(below(random, 6)));
        UpdateOptions options;
        if (round % 4 >= 2) options.seals = UpdateOptions::Seals::trust;
        const UpdateResult result = update(*pair.source, *pair.target, options);
        require_content(*pair.target, pair.new_content);
        CHECK(read_identity(*pair.target) == read_identity(*pair.source));
        CHECK(result.update.resumed == false);
        trusted_bytes += result.update.trusted_bytes;
        // Once more: nothing is left to write.
        FaultStore counting(*pair.target);
        counting.fail_writes(0, EIO);
        const UpdateResult again = update(*pair.source, counting, options);
        CHECK(again.update.written_bytes == 0);
        CHECK(again.extents.payload_sectors == result.extents.payload_sectors);
    }
    // A round may have no sealed payload that stays.
    CHECK(trusted_bytes > 0);
}

TEST_CASE("an update writes little more than the payloads that changed") {
    Random random = make_random(921);
    Pair pair = make_pair_of(random, 0, 4000, 0);
    Bytes changed = make_content(random, Content::text, 40 * block_bytes);
    std::copy(changed.begin(), changed.end(),
              pair.new_content.begin() + static_cast<std::ptrdiff_t>(1000 * block_bytes));
    pair.source = pack_in_memory(pair.new_content, packing(0));
    std::uint64_t payload_bytes = 0;
    const Image source = Image::open(*pair.source);
    MetaCursor cursor(source);
    for (WindowIndex window{1000 / 32}; window.value <= 1040 / 32; window = window + 1) {
        for (const StoredExtent& extent : cursor.extents_touching(window))
            payload_bytes += extent.payload_sectors * sector_bytes;
    }
    const UpdateResult result = update(*pair.source, *pair.target);
    require_content(*pair.target, pair.new_content);
    CHECK(result.update.written_bytes < payload_bytes * 12 / 10);
    CHECK(result.update.written_bytes > payload_bytes / 10);
}

TEST_CASE("a target of another size than the source is updated as it was copied") {
    Random random = make_random(922);
    for (const std::size_t blocks : {6553U, 6554U, 7000U}) {
        Pair pair = make_pair_of(random, 0, 300, 4);
        MemoryStore larger(smallest_device_blocks(blocks) * block_bytes);
        copy_image(Image::open(*pair.target), larger, {}, {.threads = 1});
        update(*pair.source, larger);
        require_content(larger, pair.new_content);
        // Back to what it was.
        copy_image(Image::open(*pair.source), larger, {}, {.threads = 1});
        update(*pair.target, larger);
        require_content(larger, pair.old_content);
    }
    Pair pair = make_pair_of(random, 0, 100, 4);
    const auto small = pack_in_memory(make_content(random, Content::text, 50 * block_bytes), {});
    const Bytes before(small->bytes().begin(), small->bytes().end());
    CHECK_THROWS_WITH(update(*pair.source, *small), Contains("the target holds 50 blocks"));
    CHECK(std::equal(before.begin(), before.end(), small->bytes().begin()));
}

TEST_CASE(
    "whatever write fails, the image is the old one, the new one or one to be updated again") {
    Random random = make_random(923);
    for (unsigned round = 0; round < 4; ++round) {
        const Pair pair = make_pair_of(random, round, 90, 5);
        unsigned unfinished = 0;
        for (std::uint64_t number = 0;; ++number) {
            MemoryStore target(pair.target->size_bytes());
            target.write_at(0, pair.target->bytes());
            FaultStore faulty(target);
            faulty.fail_writes(number, EIO, number % 4 * sector_bytes);
            bool failed = false;
            try {
                update(*pair.source, faulty);
            } catch (const Error& error) {
                failed = true;
                CHECK(error.os_error() == EIO);
            }
            if (!failed) break;
            if (unfinished_work(target)) {
                ++unfinished;
                CHECK_THROWS_WITH(Image::open(target), Contains("was interrupted"));
                CHECK_THROWS_WITH(fault_in(target), Contains("was interrupted"));
                CHECK_FALSE(has_intent(target));
                UpdateOptions trusting;
                trusting.seals = UpdateOptions::Seals::trust;
                const UpdateResult result = update(*pair.source, target, trusting);
                CHECK(result.update.resumed);
                CHECK(result.update.trusted_bytes == 0);
                require_content(target, pair.new_content);
            } else {
                const Bytes content = unpack_in_memory(target);
                CHECK((content == pair.old_content || content == pair.new_content));
            }
        }
        CHECK(unfinished > 3);
    }
}

TEST_CASE("a power cut leaves the old image, the new one or one to be updated again") {
    Random random = make_random(924);
    for (unsigned round = 0; round < 6; ++round) {
        const Pair pair = make_pair_of(random, round, 70, 4);
        RecordingStore recording(pair.target->bytes());
        update(*pair.source, recording);
        const Bytes start(pair.target->bytes().begin(), pair.target->bytes().end());
        unsigned olds = 0;
        unsigned news = 0;
        unsigned unfinished = 0;
        for (std::size_t i = 0; i < 3 * recording.event_count(); ++i) {
            const std::size_t cut = i % (recording.event_count() + 1);
            MemoryStore target(start.size());
            target.write_at(0, cut_power(start, recording.events(), cut, random));
            if (unfinished_work(target)) {
                ++unfinished;
                update(*pair.source, target);
                require_content(target, pair.new_content);
                continue;
            }
            const Bytes content = unpack_in_memory(target);
            REQUIRE(fault_in(target) == "");
            olds += content == pair.old_content ? 1 : 0;
            news += content == pair.new_content ? 1 : 0;
            REQUIRE((content == pair.old_content || content == pair.new_content));
        }
        CHECK(olds > 0);
        CHECK(unfinished > 0);
        CHECK(news > 0);
    }
}

TEST_CASE("a stream under the seal of another one is found by comparing, and not by seals") {
    Random random = make_random(925);
    const Bytes content = make_content(random, Content::text, 64 * block_bytes);
    const auto source = pack_in_memory(content, packing(0));
    const auto target = pack_in_memory(content, packing(0));
    const Image image = Image::open(*target);
    const std::uint64_t at = image.geometry().block_at_byte({0});
    // What the driver, or rot, leaves: it still decodes.
    for (std::size_t i = 100;; ++i) {
        target->bytes()[at + i] ^= std::byte{1};
        if (fault_in(*target).find("seal") != std::string::npos) break;
        target->bytes()[at + i] ^= std::byte{1};
    }
    UpdateOptions trusting;
    trusting.seals = UpdateOptions::Seals::trust;
    CHECK(update(*source, *target, trusting).update.written_bytes == 0);
    CHECK_THAT(fault_in(*target), Contains("seal"));
    CHECK(update(*source, *target).update.written_bytes > 0);
    require_content(*target, content);
}

// Of a payload that was not synced, the sector with the seal may be all that reached its place.
TEST_CASE("no seal is trusted in a target with an intent") {
    Random random = make_random(17);
    constexpr std::uint64_t written = 10;
    auto content = make_content(random, Content::text, 64 * block_bytes);
    PackOptions by_block;
    by_block.extents.blocks = 1;
    const auto before = pack_in_memory(content, by_block);
    const auto target = pack_in_memory(content, by_block);
    const auto block = make_content(random, Content::text, block_bytes);
    {
        Device device(*target, {});
        device.write(written * block_bytes, block, Device::Durability::fua);
    }
    REQUIRE(has_intent(*target));
    std::copy(block.begin(), block.end(),
              content.begin() + static_cast<std::ptrdiff_t>(written * block_bytes));
    MemoryStore copy(target->size_bytes());
    copy.write_at(0, target->bytes());
    apply_intents(copy);
    clear_intents(copy);
    const Image source = Image::open(copy);
    const Extent extent = MetaCursor(source).map(WindowIndex{0}).extent_at(written);
    const std::uint64_t torn_bytes = (extent.payload_sectors - 1) * sector_bytes;
    REQUIRE(torn_bytes > 0);
    const std::uint64_t at = source.geometry().block_at_byte({written});
    target->write_at(at, before->bytes().subspan(at, torn_bytes));

    UpdateOptions trusting;
    trusting.seals = UpdateOptions::Seals::trust;
    CHECK(update(copy, *target, trusting).update.trusted_bytes == 0);
    CHECK(fault_in(*target).empty());
    require_content(*target, content);
    CHECK(update(copy, *target, trusting).update.trusted_bytes > 0);
}

// Blocks whose payloads have the same length whatever they hold.
Bytes content_of_one_map(Random& random, std::size_t blocks) {
    constexpr std::size_t random_bytes = 1100;
    Bytes content(blocks * block_bytes);
    for (std::size_t at = 0; at < content.size(); at += block_bytes) {
        const Bytes some = make_content(random, Content::random, random_bytes);
        std::copy(some.begin(), some.end(), content.begin() + static_cast<std::ptrdiff_t>(at));
    }
    return content;
}

bool same_maps(const Store& a, const Store& b) {
    const Image image_a = Image::open(a);
    const Image image_b = Image::open(b);
    MetaCursor cursor_a(image_a);
    MetaCursor cursor_b(image_b);
    for (WindowIndex window{0}; window.value < image_a.geometry().window_count();
         window = window + 1) {
        if (!(cursor_a.map(window) == cursor_b.map(window))) return false;
    }
    return true;
}

TEST_CASE("what was written since the caller knew of a content is found") {
    Random random = make_random(930);
    UpdateOptions options;
    options.known_equal = [](WindowIndex, const WindowMap&) { return true; };
    for (unsigned round = 0; round < 4; ++round) {
        PackOptions sealed = packing(round);
        sealed.extents.blocks = 1;
        if (round >= 2) sealed.seals = Seals::none;
        const Bytes old_content = content_of_one_map(random, 70);
        Bytes content = old_content;
        const Bytes fresh = content_of_one_map(random, 3);
        std::copy(fresh.begin(), fresh.end(),
                  content.begin() + static_cast<std::ptrdiff_t>(40 * block_bytes));
        const auto source = pack_in_memory(content, sealed);
        const auto target = pack_in_memory(old_content, sealed);
        REQUIRE(same_maps(*source, *target));
        const UpdateResult result = update(*source, *target, options);
        require_content(*target, content);
        CHECK((result.update.trusted_bytes > 0) == (round < 2));
    }
    // The live device writes blocks that do not compress where they are.
    const Bytes content = make_content(random, Content::random, 70 * block_bytes);
    const auto source = pack_in_memory(content, packing(1));
    const auto target = pack_in_memory(content, packing(1));
    {
        Device device(*target, {});
        device.write(40 * block_bytes, make_content(random, Content::random, block_bytes));
        device.close();
    }
    REQUIRE(same_maps(*source, *target));
    REQUIRE(unpack_in_memory(*target) != content);
    CHECK(update(*source, *target, options).update.trusted_bytes == 0);
    require_content(*target, content);
}

TEST_CASE("what a live device left behind in the target is dropped") {
    Random random = make_random(926);
    const Pair pair = make_pair_of(random, 0, 90, 3);
    {
        RecordingStore recording(pair.target->bytes());
        Device device(recording, {});
        device.write(0, make_content(random, Content::random, 20 * block_bytes));
        device.flush();
        std::copy_n(cut_power({pair.target->bytes().begin(), pair.target->bytes().end()},
                              recording.events(), recording.event_count(), random)
                        .begin(),
                    pair.target->size_bytes(), pair.target->bytes().begin());
    }
    REQUIRE(has_intent(*pair.target));
    update(*pair.source, *pair.target);
    CHECK_FALSE(has_intent(*pair.target));
    require_content(*pair.target, pair.new_content);
}

TEST_CASE("raw content packed over an older image writes what differs") {
    Random random = make_random(928);
    for (unsigned round = 0; round < 12; ++round) {
        const std::size_t blocks = 33 + below(random, 300);
        Pair pair = make_pair_of(random, round, blocks, 3);
        // Made by somebody with other options: what is equal stays all the same.
        PackOptions options = packing(round);
        options.extents.blocks = round % 2 == 0 ? 0 : 32;
        if (round % 3 == 1) pair.new_content.resize(pair.new_content.size() - 5 * block_bytes - 7);
        const Identity name = read_identity(*pair.target).value();
        options.verify = PackOptions::Verify::yes;
        if (round % 4 == 1) options.seals = Seals::none;
        const auto run = [&](Store& target) {
            MemoryStore raw(pair.new_content.size());
            raw.write_at(0, pair.new_content);
            return pack_update(*make_source(raw), target, options, {.threads = 2});
        };
        const PackResult result = run(*pair.target);
        require_content(*pair.target, pair.new_content);
        CHECK(read_identity(*pair.target) == name);
        CHECK(result.identity == name);
        FaultStore counting(*pair.target);
        counting.fail_writes(0, EIO);
        CHECK(run(counting).update->written_bytes == 0);
        // Nothing but the name.
        options.uuid = Uuid{std::byte{5}};
        options.label = "other";
        CHECK(run(*pair.target).update->written_bytes == 3 * sector_bytes);
        CHECK(read_identity(*pair.target) == Identity{*options.uuid, "other"});
    }
}

TEST_CASE("raw content packed over an older image survives a failure of any write") {
    Random random = make_random(929);
    const Pair pair = make_pair_of(random, 1, 80, 5);
    MemoryStore raw(pair.new_content.size());
    raw.write_at(0, pair.new_content);
    const auto run = [&](Store& target) {
        return pack_update(*make_source(raw), target, packing(1), {.threads = 1});
    };
    unsigned unfinished = 0;
    for (std::uint64_t number = 0;; ++number) {
        MemoryStore target(pair.target->size_bytes());
        target.write_at(0, pair.target->bytes());
        FaultStore faulty(target);
        faulty.fail_writes(number, EIO, number % 4 * sector_bytes);
        try {
            run(faulty);
            break;
        } catch (const Error& error) {
            CHECK(error.os_error() == EIO);
        }
        if (!unfinished_work(target)) {
            const Bytes content = unpack_in_memory(target);
            CHECK((content == pair.old_content || content == pair.new_content));
            continue;
        }
        ++unfinished;
        // Either kind of update completes it.
        if (number % 2 == 0) {
            CHECK(run(target).update->resumed);
        } else {
            CHECK(update(*pair.source, target).update.resumed);
        }
        require_content(target, pair.new_content);
    }
    CHECK(unfinished > 3);
}

TEST_CASE("what is no image to be updated is refused, and nothing is written") {
    Random random = make_random(927);
    const Pair pair = make_pair_of(random, 0, 64, 2);
    const auto deflate = pack_in_memory(pair.old_content, packing(1));
    FaultStore faulty(*deflate);
    faulty.fail_writes(0, EIO);
    CHECK_THROWS_WITH(update(*pair.source, faulty), Contains("is deflate, the source lzo"));
    MemoryStore nothing(pair.target->size_bytes());
    FaultStore guarded(nothing);
    guarded.fail_writes(0, EIO);
    CHECK_THROWS_WITH(update(*pair.source, guarded), Contains("not an insitu-comp image"));
    // Of another kind, or of another size.
    UnfinishedWork work;
    work.kind = WorkKind::resize;
    work.counts = Image::open(*pair.source).geometry().counts();
    write_unfinished(nothing, work);
    CHECK_THROWS_WITH(update(*pair.source, guarded), Contains("resize"));
    work.kind = WorkKind::update;
    ++work.counts.data_blocks;
    write_unfinished(nothing, work);
    CHECK_THROWS_WITH(update(*pair.source, guarded), Contains("another size"));
    // A source whose meta makes no sense.
    pair.source->write_at(Image::open(*pair.source).geometry().window_meta_at_byte({1}),
                          Bytes(1, std::byte{0x0f}));
    FaultStore guarded_target(*pair.target);
    guarded_target.fail_writes(0, EIO);
    CHECK_THROWS_WITH(update(*pair.source, guarded_target), Contains("window 1"));
    require_content(*pair.target, pair.old_content);
}
