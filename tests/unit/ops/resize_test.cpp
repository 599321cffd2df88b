// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/ops/resize.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string>

#include "insitu/check.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/device/device.hpp"
#include "insitu/internal/image/create.hpp"
#include "insitu/internal/image/unfinished.hpp"
#include "insitu/internal/journal/recovery.hpp"
#include "insitu/internal/ops/copy.hpp"
#include "support/catch.hpp"
#include "support/image_builder.hpp"
#include "support/power_cut.hpp"
#include "support/sanitizer.hpp"
#include "testing/fault_store.hpp"

using namespace insitu;
using namespace insitu::test;
using Catch::Matchers::Contains;

namespace {

using Bytes = std::vector<std::byte>;

std::uint64_t device_bytes_for(std::uint64_t blocks) {
    return smallest_device_blocks(blocks) * block_bytes;
}

// A device that is large enough for all that is done to it, with an image at its start.
class Medium {
  public:
    Medium(std::uint64_t size_bytes, const Bytes& content, std::uint64_t blocks, unsigned round) {
        PackOptions options;
        options.codec.algorithm = round % 2 == 0 ? Algorithm::lzo : Algorithm::deflate;
        options.extents.blocks = round % 3 == 0 ? 32 : 0;
        options.label = "kept";
        Bytes whole = content;
        whole.resize(blocks * block_bytes);
        const auto image = pack_in_memory(whole, options);
        store = std::make_unique<MemoryStore>(std::max(size_bytes, image->size_bytes()));
        store->write_at(0, image->bytes());
    }
    std::unique_ptr<MemoryStore> store;
};

// What the store holds as an image of its own size: its content and no finding.
void require_image(const Store& store, std::uint64_t blocks, Bytes content) {
    const SuperBlock super = read_super_block(store);
    REQUIRE(super.counts == counts_for_device(device_bytes_for(blocks)));
    MemoryStore exact(Geometry(super.counts).device_bytes());
    store.read_at(0, exact.bytes());
    class First final : public FindingSink {
      public:
        void found(const Finding& finding) override {
            // What was there before is left in blocks that are unmapped now.
            if (finding.id != FindingId::m07) text += finding.detail + "; ";
        }
        std::string text;
    } sink;
    check(exact, {}, sink, {.threads = 1});
    REQUIRE(sink.text == "");
    Bytes read = unpack_in_memory(exact);
    content.resize(read.size());
    REQUIRE(read == content);
    REQUIRE(read_identity(exact).value().label == "kept");
}

// As a file has it: `size` is what set_size() was told last.
ResizeOptions as_file(std::uint64_t& size, std::uint64_t batch_blocks) {
    ResizeOptions options;
    options.set_size = [&size](std::uint64_t bytes) { size = bytes; };
    options.batch_blocks = batch_blocks;
    return options;
}

ResizeOptions as_device(std::uint64_t batch_blocks) {
    ResizeOptions options;
    options.batch_blocks = batch_blocks;
    return options;
}

// Completes what a cut left, or begins again.
void go_on(Store& store, std::uint64_t to_blocks, const ResizeOptions& options) {
    if (resume_resize(store, options, {.threads = 1})) return;
    resize_image(store, device_bytes_for(to_blocks), options, {.threads = 1});
}

struct Move {
    std::uint64_t from;
    std::uint64_t to;
    std::uint64_t content_blocks;
    std::uint64_t batch_blocks;
};

// By distances of 0, 1, 2 and 4 blocks; batches shorter and longer than that, and one that is all.
const Move moves[] = {
    {100, 130, 90, 16},    {130, 100, 90, 16},   {6552, 6553, 70, 16},    {6000, 7000, 70, 4096},
    {6000, 15000, 70, 16}, {6000, 30000, 45, 3}, {6553, 6600, 6553, 512}, {6600, 13200, 6590, 600},
};
// A power cut at some of the writes, or at more of them.
std::size_t rounds() {
    const char* text = std::getenv("INSITU_ROUNDS");
    return text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
}

// The same for small stores, which are copied often: without scratch space (batches of a block at
// most as long as the distance) and with it.
const Move small_moves[] = {
    {100, 130, 90, 16},   {130, 100, 90, 16}, {6552, 6553, 50, 10},
    {6553, 6552, 50, 10}, {6552, 6553, 9, 1}, {6553, 6552, 9, 1},
};

// An image before a move, and how it is moved: in every other round as a file.
struct Start {
    Start(Random& random, const Move& move, unsigned round, bool file)
        : content(make_content(random, Content::mixed, move.content_blocks * block_bytes)),
          larger(device_bytes_for(std::max(move.from, move.to))),
          text(std::to_string(move.from) + " to " + std::to_string(move.to) +
               (file ? ", a file" : ", a device")) {
        content.back() = std::byte{1};  // not all zeros
        medium.emplace(larger + 64 * block_bytes, content, move.from, round);
        options = file ? as_file(size, move.batch_blocks) : as_device(move.batch_blocks);
    }
    Start(const Start&) = delete;
    Start& operator=(const Start&) = delete;

    const MemoryStore& store() const { return *medium->store; }

    Bytes content;
    std::uint64_t larger;
    std::string text;
    std::uint64_t size = 0;
    std::optional<Medium> medium;
    ResizeOptions options;
};

}  // namespace

TEST_CASE("an image of any size becomes one of any other, with the same content") {
    Random random = make_random(930);
    unsigned round = 0;
    for (const Move& move : moves) {
        for (const bool file : {true, false}) {
            INFO(move.from << " to " << move.to << (file ? ", a file" : ", a device"));
            const Bytes content =
                make_content(random, Content::mixed, move.content_blocks * block_bytes);
            const std::uint64_t larger = device_bytes_for(std::max(move.from, move.to));
            // A device may have a few blocks more than both images: scratch space.
            const std::uint64_t more = round % 2 == 0 ? 40 * block_bytes : 0;
            Medium medium(file ? larger + 2048 * block_bytes : larger + more, content, move.from,
                          round++);
            std::uint64_t size = 0;
            const ResizeOptions options =
                file ? as_file(size, move.batch_blocks) : as_device(move.batch_blocks);
            const ResizeResult result =
                resize_image(*medium.store, device_bytes_for(move.to), options, {.threads = 1});
            require_image(*medium.store, move.to, content);
            if (file) CHECK(size == device_bytes_for(move.to));
            CHECK_FALSE(result.resumed);
            CHECK_FALSE(resume_resize(*medium.store, options, {}));
            // And back again, which is the same image once more.
            resize_image(*medium.store, device_bytes_for(move.from), options, {.threads = 1});
            require_image(*medium.store, move.from, content);
        }
    }
}

TEST_CASE("a resize that fails at any write, again and again, is completed by the next run") {
    Random random = make_random(931);
    unsigned round = 0;
    for (const Move& move : small_moves) {
        ++round;
        const Start start(random, move, round, round % 2 == 0);
        INFO(start.text);
        MemoryStore store(start.store().size_bytes());
        unsigned unfinished = 0;
        bool done = false;
        for (std::uint64_t number = 0; !done; number += sanitized_step) {
            store.write_at(0, start.store().bytes());
            // The first failure at each write, later ones at the same count from there.
            for (unsigned attempt = 0; attempt < 3; ++attempt) {
                FaultStore faulty(store);
                faulty.fail_writes(number, EIO, number % 5 * sector_bytes);
                try {
                    go_on(faulty, move.to, start.options);
                    done = attempt == 0;
                    break;
                } catch (const Error& error) {
                    REQUIRE(error.os_error() == EIO);
                }
            }
            if (unfinished_work(store)) {
                ++unfinished;
                CHECK_THROWS_WITH(Image::open(store, SizeCheck::trust_super),
                                  Contains("a resize of this image was interrupted"));
                CHECK_THROWS_WITH(resize_image(store, start.larger, start.options, {}),
                                  Contains("interrupted"));
            }
            go_on(store, move.to, start.options);
            require_image(store, move.to, start.content);
        }
        CHECK(unfinished > 2 / sanitized_step);
    }
}

TEST_CASE("a resize survives power cuts, also one while it is completed") {
    Random random = make_random(932);
    unsigned round = 0;
    for (const Move& move : small_moves) {
        ++round;
        const Start start(random, move, round, round % 2 == 1);
        INFO(start.text);
        const Bytes before(start.store().bytes().begin(), start.store().bytes().end());
        RecordingStore recording(before);
        const ResizeResult result =
            resize_image(recording, device_bytes_for(move.to), start.options, {.threads = 1});
        const bool moves_blocks = counts_for_device(device_bytes_for(move.from)).meta_blocks !=
                                  counts_for_device(device_bytes_for(move.to)).meta_blocks;
        REQUIRE((result.moved_blocks != 0) == moves_blocks);
        const std::size_t step =
            std::max<std::size_t>(1, recording.event_count() / rounds_of(8 * rounds()));
        for (std::size_t cut = 0; cut <= recording.event_count(); cut += step) {
            const Bytes state = cut_power(before, recording.events(), cut, random);
            RecordingStore second(state);
            go_on(second, move.to, start.options);
            MemoryStore store(before.size());
            const std::size_t second_cut = below(random, second.event_count() + 1);
            store.write_at(0, cut_power(state, second.events(), second_cut, random));
            go_on(store, move.to, start.options);
            require_image(store, move.to, start.content);
        }
    }
}

TEST_CASE("what would be cut is refused with its block, and nothing is written") {
    Random random = make_random(933);
    const Bytes content = make_content(random, Content::text, 60 * block_bytes);
    const Medium medium(0, content, 100, 0);
    FaultStore guarded(*medium.store);
    guarded.fail_writes(0, EIO);
    std::uint64_t size = 7;
    CHECK_THROWS_WITH(resize_image(guarded, device_bytes_for(59), as_file(size, 16), {}),
                      Contains("block 59") && Contains("holds 59 blocks"));
    CHECK_THROWS_WITH(resize_image(guarded, 6555 * block_bytes, as_file(size, 16), {}),
                      Contains("the driver cannot use"));
    CHECK_THROWS_WITH(resize_image(guarded, device_bytes_for(101), as_device(16), {}),
                      Contains("an image of that size"));
    CHECK(size == 7);
    // The same size is no change.
    resize_image(guarded, device_bytes_for(100), as_file(size, 16), {});
    CHECK(size == device_bytes_for(100));
    resize_image(*medium.store, device_bytes_for(60), as_file(size, 16), {});
    require_image(*medium.store, 60, content);
    // Meta that makes no sense.
    medium.store->write_at(
        Geometry(counts_for_device(device_bytes_for(60))).window_meta_at_byte({1}),
        Bytes(1, std::byte{0x0f}));
    CHECK_THROWS_WITH(resize_image(guarded, device_bytes_for(80), as_file(size, 16), {}),
                      Contains("window 1"));
}

TEST_CASE("a file that cannot be made longer stays the image that it was") {
    Random random = make_random(934);
    const Bytes content = make_content(random, Content::text, 60 * block_bytes);
    const Medium medium(0, content, 100, 0);
    const Bytes before(medium.store->bytes().begin(), medium.store->bytes().end());
    ResizeOptions options;
    options.set_size = [](std::uint64_t) {
        throw io_error({.file = "file"}, "cannot set the size", EFBIG);
    };
    const auto resize = [&](std::uint64_t blocks) {
        CHECK_THROWS_WITH(resize_image(*medium.store, device_bytes_for(blocks), options, {}),
                          Contains("cannot set the size"));
    };
    resize(std::uint64_t{1} << 30);
    CHECK((Bytes(medium.store->bytes().begin(), medium.store->bytes().end()) == before));
    // The same in a run that would complete one that was cut off at its beginning.
    UnfinishedWork work;
    work.kind = WorkKind::resize;
    work.counts = counts_for_device(device_bytes_for(std::uint64_t{1} << 30));
    work.move.before = read_super_block(*medium.store).counts;
    write_unfinished(*medium.store, work);
    CHECK_THROWS_WITH(resume_resize(*medium.store, options, {}), Contains("cannot set the size"));
    CHECK((Bytes(medium.store->bytes().begin(), medium.store->bytes().end()) == before));
}

TEST_CASE("what an interrupted live device promised is moved, too") {
    Random random = make_random(934);
    Bytes content = make_content(random, Content::text, 60 * block_bytes);
    const Medium medium(device_bytes_for(7000) + 100 * block_bytes, content, 6000, 0);
    MemoryStore exact(device_bytes_for(6000));
    exact.write_at(0, ByteView(medium.store->bytes()).first(exact.size_bytes()));
    RecordingStore recording(exact.bytes());
    const Bytes patch = make_content(random, Content::random, 9 * block_bytes);
    {
        Device device(recording, {});
        device.write(20 * block_bytes, patch);
        device.flush();
    }
    std::copy(patch.begin(), patch.end(), content.begin() + 20 * block_bytes);
    medium.store->write_at(0, cut_power({exact.bytes().begin(), exact.bytes().end()},
                                        recording.events(), recording.event_count(), random));
    REQUIRE(has_intent(*medium.store));
    std::uint64_t size = 0;
    resize_image(*medium.store, device_bytes_for(7000), as_file(size, 16), {});
    CHECK_FALSE(has_intent(*medium.store));
    require_image(*medium.store, 7000, content);
}

TEST_CASE("a record that makes no sense is not followed") {
    Random random = make_random(935);
    const Bytes content = make_content(random, Content::text, 60 * block_bytes);
    const Medium medium(device_bytes_for(7000) + 100 * block_bytes, content, 6000, 0);
    std::uint64_t size = 0;
    UnfinishedWork good;
    good.kind = WorkKind::resize;
    good.counts = counts_for_device(device_bytes_for(7000));
    good.move.before = counts_for_device(device_bytes_for(6000));
    const auto refused = [&](auto change) {
        UnfinishedWork bad = good;
        change(bad);
        write_unfinished(*medium.store, bad);
        CHECK_THROWS_WITH(resume_resize(*medium.store, as_file(size, 16), {}),
                          Contains("record of an interrupted resize"));
    };
    refused([](UnfinishedWork& work) { work.counts.data_blocks = UINT64_MAX; });
    refused([](UnfinishedWork& work) { ++work.counts.meta_blocks; });
    refused([](UnfinishedWork& work) { work.comp_alg = 2; });
    refused([](UnfinishedWork& work) { work.move.before = {UINT64_MAX, 1}; });
    refused([](UnfinishedWork& work) { work.move.before = {9, 6000}; });
    refused([](UnfinishedWork& work) { work.move.moved_blocks = 61; });
    refused([](UnfinishedWork& work) { work.move.held_blocks = 1; });
    refused([](UnfinishedWork& work) {
        work.move.scratch_at_block = 20;
        work.move.scratch_blocks = 4;
    });
    refused([](UnfinishedWork& work) {
        work.move.scratch_at_block = 7100;
        work.move.scratch_blocks = UINT64_MAX / 8;
    });
    refused([](UnfinishedWork& work) {
        work.move.scratch_at_block = UINT64_MAX - 4;
        work.move.scratch_blocks = 4;
    });
    write_unfinished(*medium.store, good);
    CHECK(resume_resize(*medium.store, as_file(size, 16), {}).value().resumed);
    require_image(*medium.store, 7000, content);
}
