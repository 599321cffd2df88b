// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/store/write_queue.hpp"

#include "insitu/internal/store/memory_store.hpp"
#include "support/catch.hpp"

using namespace insitu;
using Catch::Matchers::Contains;

// The same is asked of the queue over io_uring, on a device.
TEST_CASE("a queue without a ring keeps errors for the end, and names the lowest place") {
    MemoryStore store(4096, std::byte{0}, "short");
    const auto queue = store.write_queue();
    const std::vector<std::byte> sector(512, std::byte{0x5a});
    CHECK_NOTHROW(queue->write_at(5120, sector));
    CHECK_NOTHROW(queue->write_at(4608, sector));
    CHECK_NOTHROW(queue->write_at(6144, sector));
    CHECK_NOTHROW(queue->write_at(512, sector));
    CHECK(store.bytes()[512] == std::byte{0x5a});
    CHECK_THROWS_WITH(queue->finish(), Contains("byte 4608"));
    CHECK_NOTHROW(queue->finish());
    queue->write_at(1024, sector);
    CHECK_NOTHROW(queue->finish());
    CHECK(store.bytes()[1024] == std::byte{0x5a});
}
