// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/store/file_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "insitu/error.hpp"
#include "insitu/open_store.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

using namespace insitu;
using Catch::Matchers::Contains;

TEST_CASE("a file tells its holes and what it takes") {
    test::TemporaryDirectory directory;
    const std::string path = directory.file("sparse");
    FileStore store(UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT, 0600)), path);
    store.resize((std::uint64_t{1} << 44) - block_bytes);  // as large as ext4 makes a file
    CHECK(store.next_data(0) == store.size_bytes());
    const std::vector<std::byte> bytes(4096, std::byte{1});
    store.write_at(std::uint64_t{1} << 43, bytes);
    CHECK(store.next_data(0) == std::uint64_t{1} << 43);
    CHECK(store.next_hole(std::uint64_t{1} << 43) == (std::uint64_t{1} << 43) + 4096);
    CHECK(store.allocated_bytes().value() < 1 << 20);
    store.zero(std::uint64_t{1} << 43, 4096);
    CHECK(store.next_data(0) == store.size_bytes());
}

TEST_CASE("reading behind the end names the byte where the file ends") {
    test::TemporaryDirectory directory;
    const std::string path = directory.file("short");
    FileStore store(UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT, 0600)), path);
    store.resize(100);
    std::vector<std::byte> bytes(200);
    CHECK_THROWS_WITH(store.read_at(50, bytes), Contains("byte 100") && Contains("150 more"));
}

TEST_CASE("two writers never meet on an image, a writer and a reader neither") {
    test::TemporaryDirectory directory;
    const std::string path = directory.file("locked");
    { FileStore(UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT, 0600)), path).resize(8192); }
    {
        const auto reader = open_store(path, Access::read);
        const auto second = open_store(path, Access::read);
        CHECK_THROWS_WITH(open_store(path, Access::read_write), Contains("has it open"));
    }
    const auto writer = open_store(path, Access::read_write);
    CHECK_THROWS_WITH(open_store(path, Access::read), Contains("is writing to it"));
    CHECK_NOTHROW(open_store(path, Access::read, Sharing::shared));
}

TEST_CASE("paths that are no images are refused by kind") {
    CHECK_THROWS_WITH(open_store("/tmp", Access::read), Contains("is a directory"));
    CHECK_THROWS_WITH(open_store("/dev/null", Access::read), Contains("not a regular file"));
    CHECK_THROWS_WITH(open_store("/nowhere/x", Access::read), Contains("No such file"));
}

TEST_CASE("the same file is known through links") {
    test::TemporaryDirectory directory;
    const std::string path = directory.file("a");
    { FileStore(UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT, 0600)), path).resize(1); }
    REQUIRE(::symlink(path.c_str(), directory.file("b").c_str()) == 0);
    REQUIRE(::link(path.c_str(), directory.file("c").c_str()) == 0);
    CHECK(same_storage(path, directory.file("b")));
    CHECK(same_storage(directory.file("c"), directory.file("b")));
    CHECK_FALSE(same_storage(path, directory.file("missing")));
}

TEST_CASE("dropping the cache leaves the content as it is") {
    test::TemporaryDirectory directory;
    const std::string path = directory.file("direct");
    FileStore store(UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT, 0600)), path);
    store.resize(8192);
    std::vector<std::byte> bytes(3000, std::byte{9});
    store.write_at(1000, bytes);
    store.sync();
    store.drop_cache();
    std::vector<std::byte> again(3000);
    store.read_at(1000, again);
    CHECK(again == bytes);
}
