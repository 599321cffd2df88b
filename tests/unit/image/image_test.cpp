// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/image/image.hpp"

#include <algorithm>

#include "insitu/error.hpp"
#include "insitu/format.hpp"
#include "insitu/internal/image/create.hpp"
#include "insitu/internal/store/memory_store.hpp"
#include "support/catch.hpp"

using namespace insitu;
using Catch::Matchers::Contains;

namespace {

constexpr std::uint64_t device_bytes = 300 * block_bytes;

void put_super(MemoryStore& store, const SuperBlock& super) {
    encode_super_block(super, store.bytes().first<block_bytes>());
}

}  // namespace

TEST_CASE("a formatted store opens with its geometry") {
    MemoryStore store(device_bytes + 100);
    format_image(store, Algorithm::deflate, TargetContent::unknown);
    const Image image = Image::open(store);
    CHECK(image.algorithm() == Algorithm::deflate);
    CHECK(image.geometry().device_blocks() == 300);
}

TEST_CASE("what is no image is refused with what was expected") {
    MemoryStore store(device_bytes);
    format_image(store, Algorithm::lzo, TargetContent::unknown);
    const SuperBlock sound = read_super_block(store);

    SuperBlock super = sound;
    super.magic = 7;
    put_super(store, super);
    CHECK_THROWS_WITH(Image::open(store), Contains("not an insitu-comp image"));
    super = sound;
    super.version = 3;
    put_super(store, super);
    CHECK_THROWS_WITH(Image::open(store), Contains("version is 3, expected 1"));
    super = sound;
    super.comp_alg = 2;
    put_super(store, super);
    CHECK_THROWS_WITH(Image::open(store), Contains("comp_alg is 2"));
    super = sound;
    super.counts.data_blocks = 1 + (std::uint64_t{1} << 60);
    put_super(store, super);
    CHECK_THROWS_WITH(Image::open(store), Contains("no device can have"));
    MemoryStore tiny(100);
    CHECK_THROWS_WITH(Image::open(tiny), Contains("fewer than a super block has"));
}

TEST_CASE("an image of another size is refused unless the super block is trusted") {
    MemoryStore small(device_bytes);
    format_image(small, Algorithm::lzo, TargetContent::unknown);
    MemoryStore large(device_bytes + 2 * block_bytes);
    std::copy(small.bytes().begin(), small.bytes().end(), large.bytes().begin());
    CHECK_THROWS_WITH(Image::open(large),
                      Contains("is for a device of 300 blocks") && Contains("this one has 302"));
    CHECK(Image::open(large, SizeCheck::trust_super).geometry().device_blocks() == 300);
}

TEST_CASE("a size that the driver cannot use is refused with the nearest ones") {
    for (const std::uint64_t blocks : {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{6555}}) {
        try {
            super_block_for(blocks * block_bytes, Algorithm::lzo, "x.img");
            FAIL("accepted");
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::refused);
            CHECK_THAT(error.hint(), Contains(blocks == 6555 ? "26845184 and 26853376" : "12288"));
        }
    }
}

TEST_CASE("a size that the driver cannot use is refused although its counts agree") {
    MemoryStore store(6555 * block_bytes);
    SuperBlock super;
    super.counts = counts_for_device(store.size_bytes());
    put_super(store, super);
    CHECK_THROWS_WITH(Image::open(store), Contains("cannot use"));
}
