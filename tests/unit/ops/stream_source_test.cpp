// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <unistd.h>

#include <thread>

#include "insitu/error.hpp"
#include "insitu/internal/engine/joining_thread.hpp"
#include "insitu/internal/ops/source.hpp"
#include "insitu/internal/store/unique_fd.hpp"
#include "support/catch.hpp"
#include "support/image_builder.hpp"
#include "support/random_content.hpp"

using namespace insitu;
using Catch::Matchers::Contains;
using test::Content;

namespace {

// A pipe into which a thread writes content in pieces of all sizes.
struct Pipe {
    explicit Pipe(ByteView content) {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        reader = UniqueFd(ends[0]);
        thread = JoiningThread([content, fd = ends[1]] {
            UniqueFd writer(fd);
            auto random = test::make_random(90);
            for (std::size_t at = 0; at < content.size();) {
                const std::size_t length =
                    std::min<std::size_t>(content.size() - at, 1 + test::below(random, 200000));
                const ssize_t put = ::write(fd, content.data() + at, length);
                if (put <= 0) return;
                at += static_cast<std::size_t>(put);
            }
        });
    }
    UniqueFd reader;
    JoiningThread thread;
};

}  // namespace

TEST_CASE("a stream of known size packs to the same image as a file") {
    auto random = test::make_random(91);
    const auto content = test::make_content(random, Content::mixed, 50 * window_bytes + 12345);
    const auto expected = test::pack_in_memory(content, {});
    Pipe pipe(content);
    const auto source = make_stream_source(pipe.reader.get(), "pipe", content.size(), nullptr);
    MemoryStore target(expected->size_bytes());
    const PackResult result =
        pack(*source, target, {.target_content = TargetContent::unknown}, {.threads = 3});
    CHECK(result.source_bytes == content.size());
    CHECK(std::equal(target.bytes().begin(), target.bytes().end(), expected->bytes().begin()));
}

TEST_CASE("a stream that ends early leaves the rest unmapped") {
    const std::vector<std::byte> content(100000, std::byte{7});
    Pipe pipe(content);
    const auto source = make_stream_source(pipe.reader.get(), "pipe", 10 * window_bytes, nullptr);
    MemoryStore target(pack_target_bytes(10 * window_bytes));
    pack(*source, target, {.target_content = TargetContent::unknown}, {.threads = 2});
    const auto unpacked = test::unpack_in_memory(target);
    CHECK(std::equal(content.begin(), content.end(), unpacked.begin()));
    CHECK(std::all_of(unpacked.begin() + 100000, unpacked.end(),
                      [](std::byte b) { return b == std::byte{0}; }));
}

TEST_CASE("a stream that does not end where it should is an error") {
    const std::vector<std::byte> content(10 * window_bytes + 1, std::byte{7});
    Pipe pipe(content);
    const auto source = make_stream_source(pipe.reader.get(), "pipe", 10 * window_bytes, nullptr);
    MemoryStore target(pack_target_bytes(10 * window_bytes));
    CHECK_THROWS_WITH(
        pack(*source, target, {.target_content = TargetContent::unknown}, {.threads = 2}),
        Contains("continues after the 1310720 bytes"));
    pipe.reader = UniqueFd();
}

TEST_CASE("a stream of unknown size is spooled, zeros as holes") {
    auto random = test::make_random(92);
    auto content = test::make_content(random, Content::text, 3 * window_bytes + 77);
    content.insert(content.begin(), 100 * window_bytes, std::byte{0});
    Pipe pipe(content);
    const auto spool = spool_stream(pipe.reader.get(), "pipe", "/tmp", nullptr);
    REQUIRE(spool->size_bytes() == content.size());
    std::vector<std::byte> again(content.size());
    spool->read_at(0, again);
    CHECK(again == content);
    CHECK(spool->allocated_bytes().value_or(0) < 2 * 1024 * 1024);
}

TEST_CASE("waiting for a stream ends when a stop is asked for") {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const UniqueFd reader(ends[0]);
    const UniqueFd writer(ends[1]);
    StopFlag stop;
    JoiningThread later([&stop] {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        stop.request();
    });
    CHECK_THROWS_WITH(spool_stream(reader.get(), "pipe", "/tmp", &stop), Contains("stopped"));
}
