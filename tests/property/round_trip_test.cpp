// SPDX-License-Identifier: GPL-2.0-or-later
// pack and unpack are inverse over codec x level x extent policy x threads x kind of source and
// target, and the image depends on content and options alone.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "insitu/internal/engine/joining_thread.hpp"
#include "insitu/open_store.hpp"
#include "insitu/target.hpp"
#include "insitu/unpack.hpp"
#include "support/catch.hpp"
#include "support/image_builder.hpp"
#include "support/loop_device.hpp"
#include "support/random_content.hpp"
#include "support/sanitizer.hpp"

using namespace insitu;
using test::Content;

namespace {

struct Variant {
    EncoderOptions codec;
    unsigned extent_blocks;
    std::string name;
};

// Threads meet at the same places whatever the level, and hardly any extent length is a path of its
// own: the thread sanitizer gets a fifth of them.
std::vector<Variant> variants() {
    std::vector<Variant> all;
    std::vector<unsigned> extents{0, 1, 2, 4, 8, 16, 32};
    std::vector<Level> levels{Level::fast, Level::normal, Level::best};
    if (test::under_address_sanitizer) {
        extents = {0, 1, 8, 32};
    } else if (test::under_thread_sanitizer) {
        extents = {0, 1, 8, 32};
        levels = {Level::fast};
    }
    for (const unsigned blocks : extents) {
        for (const Level level : levels) {
            const auto add = [&](Algorithm algorithm, DeflateWindow window) {
                all.push_back(
                    {{algorithm, level, window},
                     blocks,
                     fmt::format("{} level {} window {} extent {}", to_string(algorithm),
                                 static_cast<int>(level), static_cast<int>(window), blocks)});
            };
            add(Algorithm::lzo, DeflateWindow::kib2);
            add(Algorithm::deflate, DeflateWindow::kib2);
            add(Algorithm::deflate, DeflateWindow::kib32);
        }
    }
    return all;
}

// Runs of every kind, zeros among them; the last block is not whole.
std::vector<std::byte> content_of(std::uint64_t salt) {
    auto random = test::make_random(salt);
    return test::make_content(random, Content::mixed, 12 * window_bytes + 3 * block_bytes + 777);
}

// The image and its raw content are compared as vectors: each byte counts, the unused ones too.
std::vector<std::byte> bytes_of(const Store& store) {
    std::vector<std::byte> bytes(store.size_bytes());
    store.read_at(0, bytes);
    return bytes;
}

PackOptions options_of(const Variant& variant, TargetContent content) {
    PackOptions options;
    options.codec = variant.codec;
    options.extents = {variant.extent_blocks};
    options.target_content = content;
    return options;
}

std::vector<std::byte> pack_to_file(ByteView content, const Variant& variant, unsigned threads) {
    test::TemporaryDirectory directory;
    MemoryStore source(content.size(), std::byte{0}, "source");
    source.write_at(0, content);
    Target target(directory.file("image"), TargetKind::image, pack_target_bytes(content.size()),
                  Target::Overwrite::refuse);
    pack(*make_source(source), target.store(), options_of(variant, target.content()),
         {.threads = threads});
    target.commit();
    const auto image = open_store(directory.file("image"), Access::read);
    return bytes_of(*image);
}

std::vector<std::byte> padded(std::vector<std::byte> content) {
    content.resize(ceil_div(content.size(), block_bytes) * block_bytes);
    return content;
}

// Fills a pipe from a thread of its own.
class Feeder {
  public:
    explicit Feeder(ByteView content) {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        reader_ = UniqueFd(ends[0]);
        thread_ = JoiningThread([content, end = ends[1]] {
            const UniqueFd writer(end);
            for (std::size_t at = 0; at < content.size();) {
                const ssize_t put = ::write(end, content.data() + at, content.size() - at);
                if (put <= 0) return;
                at += static_cast<std::size_t>(put);
            }
        });
    }
    int fd() const { return reader_.get(); }

  private:
    UniqueFd reader_;
    JoiningThread thread_;
};

// Drains a pipe in a thread of its own.
class Drain {
  public:
    Drain() {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        writer_ = UniqueFd(ends[1]);
        thread_ = std::thread([this, end = ends[0]] {
            const UniqueFd reader(end);
            std::vector<std::byte> buffer(100000);
            for (ssize_t got = 1; got > 0;) {
                got = ::read(end, buffer.data(), buffer.size());
                if (got > 0) bytes_.insert(bytes_.end(), buffer.begin(), buffer.begin() + got);
            }
        });
    }
    int fd() const { return writer_.get(); }
    std::vector<std::byte> take() {
        writer_ = UniqueFd();
        thread_.join();
        return std::move(bytes_);
    }

  private:
    UniqueFd writer_;
    std::thread thread_;
    std::vector<std::byte> bytes_;
};

}  // namespace

TEST_CASE("files: what was packed comes back, and threads make no difference") {
    const auto content = content_of(200);
    for (const Variant& variant : variants()) {
        INFO(variant.name);
        const auto image = pack_to_file(content, variant, 1);
        for (const unsigned threads : {2U, 7U}) {
            REQUIRE(pack_to_file(content, variant, threads) == image);
        }
        MemoryStore store(image.size());
        store.write_at(0, image);
        for (const unsigned threads : {1U, 2U, 7U}) {
            REQUIRE(test::unpack_in_memory(store, threads) == padded(content));
        }
    }
}

TEST_CASE("loop devices: the same, on a device that held other data") {
    const auto content = content_of(201);
    for (const Variant& variant : variants()) {
        if (variant.extent_blocks != 0 && variant.extent_blocks != 32) continue;
        INFO(variant.name);
        const auto file = pack_to_file(content, variant, 2);
        test::LoopDevice loop(file.size() + 100 * block_bytes);
        {
            BlockDevice device(loop.path(), Access::read_write, Sharing::exclusive);
            device.write_at(0, std::vector<std::byte>(device.size_bytes(), std::byte{0xa5}));
        }
        MemoryStore source(content.size(), std::byte{0}, "source");
        source.write_at(0, content);
        Target target(loop.path(), TargetKind::image, 0, Target::Overwrite::refuse);
        pack(*make_source(source), target.store(), options_of(variant, target.content()),
             {.threads = 3});
        target.commit();
        const auto unpacked = test::unpack_in_memory(target.store(), 2);
        REQUIRE(unpacked.size() > content.size());
        REQUIRE(std::equal(content.begin(), content.end(), unpacked.begin()));
        REQUIRE(std::all_of(unpacked.begin() + static_cast<std::ptrdiff_t>(content.size()),
                            unpacked.end(), [](std::byte b) { return b == std::byte{0}; }));

        // And a raw device takes the content back, zeros included.
        test::LoopDevice raw(padded(content).size());
        Target raw_target(raw.path(), TargetKind::raw, 0, Target::Overwrite::refuse);
        raw_target.store().write_at(
            0, std::vector<std::byte>(raw_target.store().size_bytes(), std::byte{0x5a}));
        UnpackOptions options;
        options.length_bytes = raw_target.store().size_bytes();
        options.target_content = raw_target.content();
        unpack(Image::open(target.store()), raw_target.store(), options, {.threads = 2});
        raw_target.commit();
        REQUIRE(bytes_of(raw_target.store()) == padded(content));
    }
}

TEST_CASE("pipes: the image is that of a file, and a stream gives the content in order") {
    const auto content = content_of(202);
    for (const Variant& variant : variants()) {
        if (variant.extent_blocks != 0 && variant.extent_blocks != 8) continue;
        INFO(variant.name);
        const auto expected = pack_to_file(content, variant, 2);
        for (const unsigned threads : {1U, 2U, 7U}) {
            const Feeder feeder(content);
            const auto source =
                make_stream_source(feeder.fd(), "pipe", padded(content).size(), nullptr);
            MemoryStore target(expected.size(), std::byte{0});
            pack(*source, target, options_of(variant, TargetContent::zeros), {.threads = threads});
            REQUIRE(std::equal(expected.begin(), expected.end(), target.bytes().begin()));
            Drain drain;
            unpack_to_stream(Image::open(target), drain.fd(), "pipe", {}, {.threads = threads});
            REQUIRE(drain.take() == padded(content));
        }
    }
}

TEST_CASE("sizes: every number of blocks around the borders of the layout comes back") {
    auto random = test::make_random(203);
    for (const std::uint64_t blocks : {1U, 2U, 31U, 32U, 33U, 6551U, 6552U, 6553U, 6554U, 13106U}) {
        std::vector<std::byte> content(blocks * block_bytes);
        // The first, the last and some between; the rest stays unmapped.
        for (const std::uint64_t block : {std::uint64_t{0}, blocks - 1, blocks / 2}) {
            const auto bytes = test::make_content(random, Content::text, block_bytes);
            std::copy(bytes.begin(), bytes.end(),
                      content.begin() + static_cast<std::ptrdiff_t>(block * block_bytes));
        }
        const auto store = test::pack_in_memory(content, {}, 2);
        REQUIRE(classify_device(store->size_bytes()) == DeviceFit::usable);
        REQUIRE(test::unpack_in_memory(*store, 2) == content);
    }
}

TEST_CASE("the size that no device has gets one block more") {
    std::vector<std::byte> content(32767 * block_bytes);
    content.back() = std::byte{1};
    const auto store = test::pack_in_memory(content, {}, 2);
    const auto unpacked = test::unpack_in_memory(*store, 2);
    REQUIRE(unpacked.size() == content.size() + block_bytes);
    CHECK(std::equal(content.begin(), content.end(), unpacked.begin()));
}
