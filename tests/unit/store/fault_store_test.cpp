// SPDX-License-Identifier: GPL-2.0-or-later
#include "testing/fault_store.hpp"

#include <cerrno>

#include "insitu/error.hpp"
#include "insitu/internal/store/memory_store.hpp"
#include "support/catch.hpp"

using namespace insitu;

TEST_CASE("the chosen write is torn, and all after it fail") {
    MemoryStore below(4096, std::byte{0});
    FaultStore store(below);
    store.fail_writes(1, EIO, 3);
    const std::vector<std::byte> bytes(10, std::byte{1});
    store.write_at(0, bytes);
    CHECK_THROWS_AS(store.write_at(100, bytes), Error);
    CHECK_THROWS_AS(store.sync(), Error);
    CHECK_THROWS_AS(store.zero(0, 10), Error);
    CHECK(below.bytes()[9] == std::byte{1});
    CHECK(below.bytes()[102] == std::byte{1});
    CHECK(below.bytes()[103] == std::byte{0});
    CHECK(store.writes() == 4);
}

TEST_CASE("reads fail that touch the bad range") {
    MemoryStore below(4096, std::byte{0});
    FaultStore store(below);
    store.fail_reads(1000, 10);
    std::vector<std::byte> bytes(100);
    CHECK_NOTHROW(store.read_at(900, bytes));
    CHECK_NOTHROW(store.read_at(1010, bytes));
    CHECK_THROWS_AS(store.read_at(901, bytes), Error);
    CHECK_THROWS_AS(store.read_at(1009, bytes), Error);
}
