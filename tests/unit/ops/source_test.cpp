// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/ops/source.hpp"

#include <filesystem>
#include <fstream>

#include "insitu/error.hpp"
#include "insitu/internal/store/memory_store.hpp"
#include "insitu/open_store.hpp"
#include "insitu/pack.hpp"
#include "support/catch.hpp"
#include "support/random_content.hpp"
#include "support/temporary_directory.hpp"

using namespace insitu;
using Catch::Matchers::Contains;

namespace {

// Gives the source another size as soon as something of it has been read.
class Resize final : public Progress {
  public:
    Resize(std::string path, std::uint64_t size_bytes)
        : path_(std::move(path)), size_bytes_(size_bytes) {}
    void begin(std::uint64_t) noexcept override {}
    void advance(std::uint64_t) noexcept override {
        std::error_code ignored;
        std::filesystem::resize_file(path_, size_bytes_, ignored);
    }
    void syncing() noexcept override {}

  private:
    std::string path_;
    std::uint64_t size_bytes_;
};

struct Fixture {
    Fixture() : path(directory.file("raw")), target(20 << 20, std::byte{0}) {
        auto random = test::make_random(120);
        const auto content = test::make_content(random, test::Content::random, 8 << 20);
        std::ofstream(path, std::ios::binary)
            .write(reinterpret_cast<const char*>(content.data()),
                   static_cast<std::streamsize>(content.size()));
    }
    PackResult pack_while_it_becomes(std::uint64_t size_bytes,
                                     SourceSize size = SourceSize::fixed) {
        const auto store = open_store(path, Access::read);
        Resize resize(path, size_bytes);
        return pack(*make_source(*store, size), target, {}, {.threads = 1, .progress = &resize});
    }
    bool has_image() const {
        return std::any_of(target.bytes().begin(), target.bytes().begin() + block_bytes,
                           [](std::byte byte) { return byte != std::byte{0}; });
    }

    test::TemporaryDirectory directory;
    std::string path;
    MemoryStore target;
};

}  // namespace

TEST_CASE("a source that grows while it is read makes no image") {
    Fixture f;
    CHECK_THROWS_WITH(
        f.pack_while_it_becomes(9 << 20),
        Contains(
            "raw: changed while it was read: has 9437184 bytes now, 8388608 when it was opened"));
    CHECK_FALSE(f.has_image());
}

TEST_CASE("a source that shrinks while it is read ends where it ends") {
    Fixture f;
    CHECK_THROWS_WITH(f.pack_while_it_becomes(2 << 20),
                      Contains("raw: byte 2097152: file ends here, 1048576 more bytes expected"));
    CHECK_FALSE(f.has_image());
}

TEST_CASE("a source that may change gives what was read of it") {
    Fixture f;
    const PackResult result = f.pack_while_it_becomes(9 << 20, SourceSize::may_change);
    CHECK(result.source_bytes == 8 << 20);
    CHECK(f.has_image());
}
