// SPDX-License-Identifier: GPL-2.0-or-later
#include <cstring>
#include <thread>

#include "device/device_model.hpp"
#include "support/catch.hpp"
#include "support/image_builder.hpp"
#include "support/sanitizer.hpp"

using namespace insitu;
using namespace insitu::test;

namespace {

struct Case {
    const char* name;
    Algorithm algorithm;
    CommitPolicy policy;
    std::uint64_t cache_bytes;
    Compaction compaction = Compaction::off;
    std::uint64_t decode_cache_bytes = 4 << 20;
};

constexpr Case cases[] = {
    {"lzo, writeback", Algorithm::lzo, CommitPolicy::writeback, 4 << 20},
    {"lzo, writeback, hardly any memory", Algorithm::lzo, CommitPolicy::writeback, 1},
    {"lzo, writethrough", Algorithm::lzo, CommitPolicy::writethrough, 4 << 20},
    {"lzo, writethrough, compaction", Algorithm::lzo, CommitPolicy::writethrough, 4 << 20,
     Compaction::idle},
    {"deflate, writeback", Algorithm::deflate, CommitPolicy::writeback, 4 << 20, Compaction::off,
     0},
    {"deflate, writeback, compaction", Algorithm::deflate, CommitPolicy::writeback, 1 << 20,
     Compaction::idle, 2 << 20},
};

DeviceOptions options_of(const Case& tested) {
    DeviceOptions options;
    options.policy = tested.policy;
    options.cache_bytes = tested.cache_bytes;
    options.compaction = tested.compaction;
    options.decode_cache_bytes = tested.decode_cache_bytes;
    options.commit_delay = std::chrono::milliseconds(5);
    return options;
}

// Requests from several threads at once, which share windows and no block.
void run_round(Device& device, ByteSpan expected, unsigned threads, unsigned requests,
               std::uint64_t salt) {
    const std::uint64_t blocks = expected.size() / block_bytes;
    std::vector<std::thread> pool;
    std::vector<std::string> failures(threads);
    for (unsigned t = 0; t < threads; ++t) {
        pool.emplace_back([&, t] {
            Random random = make_random(salt * 100 + t);
            try {
                for (unsigned i = 0; i < requests; ++i) {
                    // Stretches of 13 blocks belong to the threads in turn.
                    constexpr std::uint64_t stretch = 13;
                    const std::uint64_t stretches = blocks / stretch / threads;
                    const std::uint64_t first = (below(random, stretches) * threads + t) * stretch;
                    const RequestLimits limits{first, first + stretch, stretch};
                    random_request(device, expected,
                                   threads == 1 ? RequestLimits{0, blocks, 80} : limits, random);
                }
            } catch (const std::exception& error) {
                failures[t] = error.what();
            }
        });
    }
    for (std::thread& thread : pool)
        thread.join();
    for (const std::string& failure : failures)
        CHECK(failure == "");
}

}  // namespace

TEST_CASE("a device holds what an array of the same requests holds") {
    for (const Case& tested : cases) {
        SECTION(tested.name) {
            Random random = make_random(1);
            auto content = make_content(random, Content::mixed, 640 * block_bytes);
            PackOptions pack_options;
            pack_options.codec.algorithm = tested.algorithm;
            const auto store = pack_in_memory(content, pack_options);
            // One thread, then several.
            for (std::uint64_t round = 0; round < 2 * rounds_of(3); ++round) {
                Device device(*store, options_of(tested));
                content.resize(device.size_bytes());
                device.start_commits();
                run_round(device, content, round % 2 == 0 ? 1 : 4, 150, round);
                std::vector<std::byte> got(content.size());
                device.read(0, got);
                CHECK(got == content);
                device.close();
                CHECK(find_fault(*store) == "");
                CHECK(unpack_in_memory(*store) == content);
            }
        }
    }
}

TEST_CASE("a device without a hole still holds what was written") {
    Random random = make_random(2);
    auto content = make_content(random, Content::random, 320 * block_bytes);
    const auto store = pack_in_memory(content, {});
    DeviceOptions options;
    options.cache_bytes = 1 << 20;
    Device device(*store, options);
    for (int i = 0; i < 200; ++i) {
        const std::uint64_t at = below(random, 300) * block_bytes;
        const auto bytes =
            make_content(random, Content::random, (1 + below(random, 8)) * block_bytes);
        device.write(at, bytes);
        std::copy(bytes.begin(), bytes.end(), content.begin() + static_cast<std::ptrdiff_t>(at));
    }
    device.close();
    CHECK(device.counters().unprotected_commits > 0);
    CHECK(find_fault(*store) == "");
    CHECK(unpack_in_memory(*store) == content);
}
