// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/open_image.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

#include "device/device_model.hpp"
#include "insitu/check.hpp"
#include "insitu/error.hpp"
#include "insitu/format.hpp"
#include "insitu/internal/format/intent.hpp"
#include "insitu/internal/fsck/holes.hpp"
#include "insitu/internal/journal/recovery.hpp"
#include "insitu/open_store.hpp"
#include "insitu/repair.hpp"
#include "insitu/unpack.hpp"
#include "support/catch.hpp"
#include "support/image_builder.hpp"
#include "support/loop_device.hpp"
#include "support/temporary_directory.hpp"
#include "testing/recording_store.hpp"

using namespace insitu;
using namespace insitu::test;
using Catch::Matchers::Contains;

namespace {

constexpr std::uint64_t image_blocks = 300;

// An image as a power cut leaves it right after a flush has returned: the last commit is in its
// intent, and nothing of it is in place.
struct Torn {
    std::unique_ptr<MemoryStore> store;
    std::vector<std::byte> before;    // what is in place
    std::vector<std::byte> expected;  // what the flush made durable
};

Torn tear(Algorithm algorithm, std::uint64_t at_byte) {
    Torn torn;
    torn.store = format_in_memory(image_blocks, algorithm);
    Random random = make_random(31);
    const std::uint64_t size = Geometry(read_super_block(*torn.store).counts).logical_bytes();
    torn.before.assign(size, std::byte{0});
    const auto text = make_content(random, Content::text, 60 * block_bytes);
    std::copy(text.begin(), text.end(), torn.before.begin());
    torn.expected = torn.before;
    {
        Device device(*torn.store, {});
        device.write(0, text);
        device.close();
    }
    RecordingStore recorder(torn.store->bytes());
    const auto patch = make_content(random, Content::text, 3 * block_bytes + 100);
    std::copy(patch.begin(), patch.end(),
              torn.expected.begin() + static_cast<std::ptrdiff_t>(at_byte));
    Device device(recorder, {});
    device.write(at_byte, patch);
    device.flush();
    const std::span events(recorder.events());
    std::size_t cut = events.size();
    while (!events[cut - 1].is_sync())
        --cut;
    for (const RecordingStore::Event& event : events.first(cut)) {
        if (!event.is_sync()) torn.store->write_at(event.at_byte, event.bytes);
    }
    return torn;
}

class Ignore final : public FindingSink {
  public:
    void found(const Finding&) override {}
};

std::vector<std::byte> bytes_of(const MemoryStore& store) {
    return {store.bytes().begin(), store.bytes().end()};
}

// The store as a file.
std::string save(const TemporaryDirectory& directory, const MemoryStore& store) {
    const std::string path = directory.file("image");
    OutputFile file(path, store.size_bytes());
    file.store().write_at(0, store.bytes());
    file.commit();
    return path;
}

std::vector<std::byte> read_file(const std::string& path) {
    const auto store = open_store(path, Access::read);
    std::vector<std::byte> bytes(store->size_bytes());
    store->read_at(0, bytes);
    return bytes;
}

// 5 is inside a compressed extent, the others begin and end in the middle of blocks.
const auto places = {5 * block_bytes, 7 * block_bytes + 1, 31 * block_bytes + 2000};

}  // namespace

TEST_CASE("a pending commit is refused by everything that would overlook it") {
    for (const Algorithm algorithm : {Algorithm::lzo, Algorithm::deflate}) {
        for (const std::uint64_t place : places) {
            const Torn torn = tear(algorithm, place);
            MemoryStore& store = *torn.store;
            const auto bytes = bytes_of(store);
            Ignore sink;
            CHECK_THROWS_WITH(Image::open(store), Contains("a commit that is not applied"));
            CHECK_THROWS_WITH(check(store, {}, sink, {}), Contains("not applied"));
            CHECK_THROWS_WITH(repair(store, nullptr, {}, sink, {}), Contains("not applied"));
            const Image image = Image::open(store, SizeCheck::strict, PendingCheck::ignore);
            CHECK_THROWS_WITH(punch_holes(image, store, {}), Contains("not applied"));
            MemoryStore target(image.geometry().logical_bytes());
            CHECK_THROWS_WITH(unpack(image, target, {}, {}), Contains("not applied"));
            CHECK_THROWS_WITH(unpack_to_stream(image, -1, "none", {}, {}), Contains("not applied"));
            CHECK(bytes_of(store) == bytes);

            UnpackOptions ignore;
            ignore.pending = PendingCheck::ignore;
            unpack(image, target, ignore, {});
            CHECK(std::equal(torn.before.begin(), torn.before.end(), target.bytes().begin()));
            CHECK(check(store, {.pending = PendingCheck::ignore}, sink, {}).clean());
            // Recovered by hand, it is an ordinary image.
            apply_intents(store);
            clear_intents(store);
            CHECK(unpack_in_memory(store) == torn.expected);
            CHECK(find_fault(store).empty());
        }
    }
}

TEST_CASE("the error for a pending commit says what to do") {
    const Torn torn = tear(Algorithm::lzo, 0);
    try {
        static_cast<void>(Image::open(*torn.store));
        FAIL("was opened");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::refused);
        CHECK_THAT(error.hint(), Contains("open_image()"));
    }
}

TEST_CASE("a new format makes Image::open forget the intents before it") {
    const Torn torn = tear(Algorithm::lzo, block_bytes);
    const Geometry geometry(read_super_block(*torn.store).counts);
    const std::vector<std::byte> zeros(geometry.meta_bytes());
    torn.store->write_at(geometry.meta_at_byte(), zeros);
    CHECK_NOTHROW(Image::open(*torn.store));
}

TEST_CASE("open_image reads what was last made durable, and changes nothing") {
    for (const std::uint64_t place : places) {
        const Torn torn = tear(Algorithm::lzo, place);
        const TemporaryDirectory directory;
        const std::string path = save(directory, *torn.store);
        const auto bytes = read_file(path);
        {
            const OpenedImage image = open_image(path);
            CHECK(image.recovered_windows() != 0);
            CHECK(image.read(0, torn.expected.size()) == torn.expected);
            const auto part = image.read(place + 17, 5000);
            CHECK(std::equal(part.begin(), part.end(),
                             torn.expected.begin() + static_cast<std::ptrdiff_t>(place) + 17));
            MemoryStore target(image.size_bytes());
            unpack(image.image(), target, {}, {});
            CHECK(std::equal(torn.expected.begin(), torn.expected.end(), target.bytes().begin()));
            Ignore sink;
            CHECK(check(image.image().store(), {}, sink, {}).clean());
        }
        CHECK(read_file(path) == bytes);
        CHECK_THROWS_WITH(open_image(path, {.pending = PendingPolicy::refuse}),
                          Contains("not applied"));
        const OpenedImage old = open_image(path, {.pending = PendingPolicy::ignore});
        CHECK(old.read(0, torn.before.size()) == torn.before);
    }
}

TEST_CASE("open_image applies a pending commit in place if it is asked to, or to write") {
    for (const Access access : {Access::read, Access::read_write}) {
        const Torn torn = tear(Algorithm::deflate, 7 * block_bytes + 1);
        const TemporaryDirectory directory;
        const std::string path = save(directory, *torn.store);
        OpenedImage image = open_image(path, {.access = access, .pending = PendingPolicy::apply});
        CHECK(image.recovered_windows() != 0);
        CHECK(image.read(0, torn.expected.size()) == torn.expected);
        image.close();
        const auto store = open_store(path, Access::read);
        CHECK_FALSE(has_intent(*store));
        CHECK(unpack_in_memory(*store) == torn.expected);
    }
}

TEST_CASE("an image that is opened for writing keeps what is written to it") {
    const TemporaryDirectory directory;
    const std::string path = directory.file("image");
    {
        Target target(path, TargetKind::image, 2 << 20, Target::Overwrite::refuse);
        format_image(target, Algorithm::lzo);
    }
    Random random = make_random(33);
    const auto content = make_content(random, Content::random, 100001);
    {
        OpenedImage image = open_image(path, {.access = Access::read_write});
        image.write(4097, content);
        CHECK_THROWS_WITH(image.image(), Contains("open for writing"));
        // Without close(): the destructor does it.
    }
    {
        OpenedImage image = open_image(path, {.access = Access::read_write});
        CHECK(image.recovered_windows() == 0);
        CHECK(image.read(4097, content.size()) == content);
        image.zero(4097, 100);
        image.unmap(8 * block_bytes, 2 * block_bytes);
        image.flush();
        image.close();
        CHECK_THROWS_WITH(image.read(0, 1), Contains("is closed"));
        image.close();
    }
    const OpenedImage image = open_image(path);
    auto expected = content;
    std::fill_n(expected.begin(), 100, std::byte{0});
    std::fill_n(expected.begin() + 8 * block_bytes - 4097, 2 * block_bytes, std::byte{0});
    CHECK(image.read(4097, expected.size()) == expected);
    std::uint64_t blocks = 0;
    image.for_each_extent([&](const StoredExtent& extent) {
        blocks += extent.blocks;
        return true;
    });
    std::uint64_t mapped = 0;
    for (const BlockRun& run : image.map(0, image.size_bytes()))
        mapped += run.mapped ? run.blocks : 0;
    CHECK(blocks == mapped);
    CHECK(blocks == 23);  // 25 less the 2 that were unmapped
    CHECK_THROWS_AS(open_image(path).read(image.size_bytes() - 1, 2), Error);
    CHECK_THROWS_AS(image.read(UINT64_MAX, 2), Error);
}

TEST_CASE("an opened image is read by several threads at once") {
    Random random = make_random(34);
    const auto content = make_content(random, Content::mixed, 3 << 20);
    const TemporaryDirectory directory;
    const std::string path = save(directory, *pack_in_memory(content, {}));
    const OpenedImage image = open_image(path, {.decode_cache_bytes = 256 << 10});
    std::atomic<unsigned> wrong = 0;
    std::vector<std::thread> threads;
    for (unsigned thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&, thread] {
            std::uint64_t at = thread * 1000003;
            for (unsigned i = 0; i < 200; ++i) {
                at = (at * 6364136223846793005U + 1442695040888963407U) % (content.size() - 5000);
                const auto got = image.read(at, 1 + at % 5000);
                if (!std::equal(got.begin(), got.end(),
                                content.begin() + static_cast<std::ptrdiff_t>(at))) {
                    ++wrong;
                }
            }
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    CHECK(wrong == 0);
}

TEST_CASE("packing with default options is right on a used block device") {
    LoopDevice loop(8 << 20);
    {
        BlockDevice device(loop.path(), Access::read_write, Sharing::exclusive);
        // Also what looks like an intent slot and like a bitmap.
        const std::vector<std::byte> old(1 << 20, std::byte{0x11});
        for (std::uint64_t at = 0; at < device.size_bytes(); at += old.size())
            device.write_at(at, old);
    }
    std::vector<std::byte> content(3 << 20);
    content[(1 << 20) + 5] = std::byte{1};
    MemoryStore raw(content.size());
    raw.write_at(0, content);
    const auto source = make_source(raw);
    {
        // Only the store, as a program that knows nothing of targets has it.
        BlockDevice device(loop.path(), Access::read_write, Sharing::exclusive);
        pack(*source, device, {}, {});
    }
    const OpenedImage image = open_image(loop.path());
    auto expected = content;
    expected.resize(image.size_bytes());
    CHECK(image.read(0, expected.size()) == expected);
    Ignore sink;
    CHECK(check(image.image().store(), {}, sink, {}).clean());
}
