// SPDX-License-Identifier: GPL-2.0-or-later
// Seals under damage: what is found, what is never blamed, and what a repair makes of it.
#include <cstdlib>

#include "fsck/test_device.hpp"
#include "insitu/check.hpp"
#include "insitu/internal/format/seal.hpp"
#include "insitu/internal/fsck/seal_image.hpp"
#include "insitu/internal/image/meta_cursor.hpp"
#include "insitu/internal/window/extent_encoder.hpp"
#include "insitu/stat.hpp"
#include "insitu/unpack.hpp"
#include "support/catch.hpp"
#include "support/driver_model.hpp"
#include "support/image_builder.hpp"

using namespace insitu;
using namespace insitu::test;
using Catch::Matchers::Contains;

namespace {

std::uint64_t rounds() {
    const char* text = std::getenv("INSITU_ROUNDS");
    return text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
}

class Counted final : public FindingSink {
  public:
    void found(const Finding& finding) override { counts.add(finding); }
    FindingCounts counts;
};

std::vector<StoredExtent> compressed_extents(const Image& image) {
    MetaCursor cursor(image);
    std::vector<StoredExtent> extents;
    for (std::uint64_t w = 0; w < image.geometry().window_count(); ++w) {
        for (const StoredExtent& extent : cursor.extents_touching({w})) {
            if (!extent.unmapped() && !extent.raw()) extents.push_back(extent);
        }
    }
    return extents;
}

std::vector<std::byte> payload_of(const Image& image, const StoredExtent& extent) {
    std::vector<std::byte> payload(extent.payload_sectors * sector_bytes);
    image.store().read_at(image.geometry().block_at_byte(extent.first), payload);
    return payload;
}

FindingCounts check_of(const Store& store) {
    Counted sink;
    check(store, {}, sink, {.threads = 1});
    return sink.counts;
}

}  // namespace

TEST_CASE("every flip of a bit in a sealed stream is found, and is never read as content") {
    Random random = make_random(4100);
    for (const Algorithm algorithm : {Algorithm::lzo, Algorithm::deflate}) {
        const auto content = make_content(random, Content::mixed, 256 * block_bytes);
        PackOptions options;
        options.codec.algorithm = algorithm;
        const auto store = pack_in_memory(content, options);
        const Image image = Image::open(*store);
        std::vector<StoredExtent> sealed;
        for (const StoredExtent& extent : compressed_extents(image)) {
            if (check_seal(payload_of(image, extent), extent.first) == SealState::right) {
                sealed.push_back(extent);
            }
        }
        REQUIRE(sealed.size() > 3);
        REQUIRE(check_of(*store).errors == 0);
        WindowReader reader(image);
        AlignedBuffer output(window_bytes);
        for (std::uint64_t i = 0; i < 400 * rounds(); ++i) {
            const StoredExtent extent = sealed[below(random, sealed.size())];
            const auto payload = payload_of(image, extent);
            const std::uint64_t bit = below(random, unsafe_stream_length(payload) * 8U);
            const std::uint64_t at = image.geometry().block_at_byte(extent.first) + bit / 8;
            const std::byte old = payload[bit / 8];
            const std::byte flipped = old ^ std::byte{static_cast<unsigned char>(1U << bit % 8)};
            INFO(to_string(algorithm) << " block " << extent.first.value << " bit " << bit);
            store->write_at(at, ByteView(&flipped, 1));
            const auto damage =
                reader.read_extent(extent, output.first(extent.blocks * block_bytes));
            REQUIRE(damage);
            if (i % 20 == 0) REQUIRE(check_of(*store).errors == 1);
            store->write_at(at, ByteView(&old, 1));
        }
    }
}

TEST_CASE("what the driver wrote over a sealed image is never blamed") {
    Random random = make_random(4200);
    for (std::uint64_t round = 0; round < 6 * rounds(); ++round) {
        const Algorithm algorithm = round % 2 == 0 ? Algorithm::lzo : Algorithm::deflate;
        DriverModel driver(96, algorithm);
        const auto write = [&] {
            const std::uint64_t first = below(random, 90);
            const std::uint64_t blocks = 1 + below(random, std::min<std::uint64_t>(20, 96 - first));
            driver.write(first, make_content(random, Content::text, blocks * block_bytes));
        };
        for (int i = 0; i < 10; ++i)
            write();
        driver.flush();
        MemoryStore store(driver.image().size());
        store.write_at(0, driver.image());
        const SealResult sealed =
            seal_image(Image::open(store), store, SealScope::unsealed, {.threads = 2});
        REQUIRE(sealed.added > 0);
        REQUIRE(check_of(store).errors == 0);
        // Writes of the driver go over the seals: it leaves what is between stream and length word.
        for (int i = 0; i < 10; ++i)
            write();
        driver.flush();
        const auto later = driver.image();
        const Geometry geometry = driver.geometry();
        store.write_at(geometry.meta_at_byte(),
                       ByteView(later).subspan(geometry.meta_at_byte(), geometry.meta_bytes()));
        MemoryStore plain(later.size());
        plain.write_at(0, later);
        const Image now = Image::open(plain);
        for (const StoredExtent& extent : compressed_extents(now)) {
            auto payload = payload_of(now, extent);
            const std::uint64_t at = geometry.block_at_byte(extent.first);
            std::vector<std::byte> before(payload.size());
            store.read_at(at, before);
            const std::uint32_t length = unsafe_stream_length(payload);
            if (std::equal(payload.begin(), payload.begin() + length, before.begin())) continue;
            std::copy(before.begin() + length, before.end() - 4, payload.begin() + length);
            store.write_at(at, payload);
        }
        MetaCursor cursor(now);
        for (std::uint64_t w = 0; w < geometry.window_count(); ++w) {
            for (const StoredExtent& extent : cursor.extents_touching({w})) {
                if (extent.raw()) {
                    store.write_at(geometry.block_at_byte(extent.first), payload_of(now, extent));
                }
            }
        }
        INFO("round " << round);
        const FindingCounts counts = check_of(store);
        CHECK(counts.errors == 0);
        CHECK(unpack_in_memory(store) == driver.content());
    }
}

TEST_CASE("a payload that was replaced by another of the same length is not taken for clean") {
    Random random = make_random(4300);
    const auto content = make_content(random, Content::text, 32 * block_bytes);
    PackOptions options;
    options.extents.blocks = 4;
    const auto store = pack_in_memory(content, options);
    const Image image = Image::open(*store);
    const auto extents = compressed_extents(image);
    REQUIRE(!extents.empty());
    // The same stream with a byte that is a literal changed decodes as well as before.
    WindowReader trusting(image);
    trusting.set_seal_check(SealCheck::ignore);
    AlignedBuffer output(window_bytes);
    bool tried = false;
    for (const StoredExtent& extent : extents) {
        const auto payload = payload_of(image, extent);
        const ByteSpan part = output.first(extent.blocks * block_bytes);
        for (std::size_t i = 1; i < 200 && !tried; ++i) {
            auto changed = payload;
            changed[i] ^= std::byte{1};
            store->write_at(image.geometry().block_at_byte(extent.first), changed);
            tried = !trusting.read_extent(extent, part);
        }
        if (tried) break;
        store->write_at(image.geometry().block_at_byte(extent.first), payload);
    }
    REQUIRE(tried);
    const FindingCounts counts = check_of(*store);
    CHECK(counts.of(FindingId::p08) == 1);
    CHECK(counts.errors == 1);
    CHECK_THROWS_WITH(unpack_in_memory(*store), Contains("differs from its seal"));
    // To seal what is not sealed does not hide it; to believe the content does.
    CHECK(seal_image(image, *store, SealScope::unsealed, {.threads = 1}).differing == 1);
    CHECK(check_of(*store).errors == 1);
    CHECK(seal_image(image, *store, SealScope::all, {.threads = 1}).replaced == 1);
    CHECK(check_of(*store).errors == 0);
}

TEST_CASE("sealing an image is idempotent, counted, and gives what pack gives") {
    Random random = make_random(4400);
    const auto content = make_content(random, Content::mixed, 300 * block_bytes);
    PackOptions without;
    without.seals = Seals::none;
    const auto plain = pack_in_memory(content, without);
    const auto sealed = pack_in_memory(content, {});
    const Image image = Image::open(*plain);
    CHECK(seal_coverage(image, {.threads = 1}).sealed_extents == 0);
    const SealResult first = seal_image(image, *plain, SealScope::unsealed, {.threads = 2});
    CHECK(first.sealed_before == 0);
    CHECK(first.added > 0);
    const SealResult second = seal_image(image, *plain, SealScope::unsealed, {.threads = 1});
    CHECK(second.sealed_before == first.added);
    CHECK(second.added == 0);
    const SealCoverage coverage = seal_coverage(image, {.threads = 2});
    CHECK(coverage.sealed_extents == first.added);
    CHECK(coverage.compressed_extents == first.added + first.no_room);
    for (const StoredExtent& extent : compressed_extents(image))
        CHECK(payload_of(image, extent) == payload_of(Image::open(*sealed), extent));
}
