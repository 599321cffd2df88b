// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/store/output_file.hpp"

#include <sys/stat.h>

#include <fstream>

#include "insitu/error.hpp"
#include "insitu/open_store.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

using namespace insitu;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

std::size_t entries(const std::string& path) {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(path), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("an output appears when it is complete, and not before") {
    test::TemporaryDirectory directory;
    {
        OutputFile file(directory.file("out"), 8192);
        CHECK(entries(directory.path()) == 0);
        file.commit();
        CHECK(fs::file_size(directory.file("out")) == 8192);
    }
    CHECK(entries(directory.path()) == 1);
}

TEST_CASE("an output that is given up leaves what was there") {
    test::TemporaryDirectory directory;
    std::ofstream(directory.file("out")) << "old";
    {
        OutputFile file(directory.file("out"), 8192);
        file.store().write_at(0, std::vector<std::byte>(100));
    }
    CHECK(fs::file_size(directory.file("out")) == 3);
    CHECK(entries(directory.path()) == 1);
}

TEST_CASE("an output takes the place and the mode of what it replaces, through links") {
    test::TemporaryDirectory directory;
    std::ofstream(directory.file("real")) << "old";
    fs::permissions(directory.file("real"), fs::perms{0640});
    fs::create_symlink(directory.file("real"), directory.file("link"));
    OutputFile(directory.file("link"), 4096).commit();
    CHECK(fs::is_symlink(directory.file("link")));
    CHECK(fs::file_size(directory.file("real")) == 4096);
    CHECK(fs::status(directory.file("real")).permissions() == fs::perms{0640});
}

TEST_CASE("an output does not replace what another program writes, readers keep the old file") {
    test::TemporaryDirectory directory;
    std::ofstream(directory.file("out")) << "old";
    {
        const auto reader = open_store(directory.file("out"), Access::read);
        CHECK_NOTHROW(OutputFile(directory.file("out"), 4096).commit());
        CHECK(reader->size_bytes() == 3);
    }
    const auto writer = open_store(directory.file("out"), Access::read_write);
    CHECK_THROWS_WITH(OutputFile(directory.file("out"), 4096), Contains("has it open"));
}

TEST_CASE("a new output has no more permissions than its source") {
    test::TemporaryDirectory directory;
    OutputFile(directory.file("out"), 4096, {.mode_limit = 0600}).commit();
    CHECK(fs::status(directory.file("out")).permissions() == fs::perms{0600});
}

TEST_CASE("an output needs a place that exists") {
    CHECK_THROWS_WITH(OutputFile("/nowhere/at/all", 1), Contains("cannot create"));
    CHECK_THROWS_WITH(OutputFile("/tmp", 1), Contains("is a directory"));
}
