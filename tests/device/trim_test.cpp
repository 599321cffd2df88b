// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/trim.hpp"

#include <algorithm>
#include <fstream>

#include "device/device_model.hpp"
#include "insitu/error.hpp"
#include "insitu/open_store.hpp"
#include "support/catch.hpp"
#include "support/image_builder.hpp"
#include "support/temporary_directory.hpp"

using namespace insitu;
using namespace insitu::test;
using Catch::Matchers::Contains;

namespace {

class ImageFile {
  public:
    ImageFile(const std::vector<std::byte>& content, const PackOptions& options) {
        const auto store = pack_in_memory(content, options);
        std::ofstream file(path(), std::ios::binary);
        file.write(reinterpret_cast<const char*>(store->bytes().data()),
                   static_cast<std::streamsize>(store->size_bytes()));
    }
    std::string path() const { return directory_.file("image"); }

    TrimResult trim(const std::vector<ByteRange>& ranges,
                    TrimOptions::Mode mode = TrimOptions::Mode::free) const {
        OpenOptions options;
        options.access = mode == TrimOptions::Mode::free ? Access::read_write : Access::read;
        options.unprotected = UnprotectedCommits::refuse;
        OpenedImage image = open_image(path(), options);
        const TrimResult result = insitu::trim(image, ranges, {mode}, {.threads = 1});
        image.close();
        return result;
    }
    void require_content(const std::vector<std::byte>& expected) const {
        const OwnedStore file = open_store(path(), Access::read);
        // In memory: what the host has allocated is another matter.
        MemoryStore store(file->size_bytes());
        file->read_at(0, store.bytes());
        REQUIRE(find_fault(store) == "");
        auto content = content_of(store);
        content.resize(expected.size());
        REQUIRE(content == expected);
    }

  private:
    TemporaryDirectory directory_;
};

// The blocks that lie in a range, or in several that touch, as a slow reader of the rule says.
std::uint64_t zero_whole_blocks(std::vector<std::byte>& content,
                                const std::vector<ByteRange>& ranges) {
    std::vector<bool> named(content.size());
    for (const ByteRange& range : ranges) {
        std::fill_n(named.begin() + static_cast<std::ptrdiff_t>(range.at_byte), range.length_bytes,
                    true);
    }
    std::uint64_t bytes = 0;
    for (std::size_t at = 0; at + block_bytes <= content.size(); at += block_bytes) {
        const auto first = named.begin() + static_cast<std::ptrdiff_t>(at);
        if (!std::all_of(first, first + block_bytes, [](bool is) { return is; })) continue;
        std::fill_n(content.begin() + static_cast<std::ptrdiff_t>(at), block_bytes, std::byte{0});
        bytes += block_bytes;
    }
    return bytes;
}

}  // namespace

TEST_CASE("whole blocks of any ranges become zeros, and nothing else changes") {
    Random random = make_random(1401);
    for (unsigned round = 0; round < 12; ++round) {
        auto content = make_content(random, Content::mixed, 200 * block_bytes);
        PackOptions packing;
        packing.codec.algorithm = round % 2 == 0 ? Algorithm::lzo : Algorithm::deflate;
        packing.extents.blocks = round % 3 == 0 ? window_blocks : 0;
        const ImageFile image(content, packing);
        std::vector<ByteRange> ranges;
        for (unsigned i = 0; i < 12; ++i) {
            const std::uint64_t at = random() % content.size();
            const std::uint64_t length =
                std::min<std::uint64_t>(random() % (20 * block_bytes), content.size() - at);
            ranges.push_back({at, length});
            if (i % 3 == 0)
                ranges.push_back(
                    {at + length, std::min<std::uint64_t>(5000, content.size() - at - length)});
        }
        const TrimResult measured = image.trim(ranges, TrimOptions::Mode::measure);
        image.require_content(content);
        const TrimResult result = image.trim(ranges);
        CHECK(result.unused_bytes == zero_whole_blocks(content, ranges));
        CHECK(result.freed_bytes == measured.freed_bytes);
        CHECK(result.kept_bytes == 0);
        image.require_content(content);
        CHECK(image.trim(ranges).freed_bytes == 0);
    }
}

TEST_CASE("a range beyond the end is refused, and nothing is changed") {
    Random random = make_random(1402);
    const auto content = make_content(random, Content::text, 64 * block_bytes);
    const ImageFile image(content, {});
    CHECK_THROWS_WITH(image.trim({{0, block_bytes}, {63 * block_bytes, 2 * block_bytes}}),
                      Contains("beyond the end"));
    CHECK_THROWS_WITH(image.trim({{UINT64_MAX, UINT64_MAX}}), Contains("beyond the end"));
    image.require_content(content);
    CHECK(image.trim({}).unused_bytes == 0);
    CHECK(image.trim({{64 * block_bytes, 0}}).unused_bytes == 0);
}

// One compressed extent of 32 blocks, of which the first half is text, and a full image else: the
// journal has no hole that could protect the other half of it.
TEST_CASE("without a hole for the journal, blocks beside used ones stay mapped") {
    Random random = make_random(1403);
    auto content = make_content(random, Content::random, 128 * block_bytes);
    const auto half = make_content(random, Content::text, block_bytes);
    std::copy(half.begin(), half.end(), content.begin());
    PackOptions packing;
    packing.extents.blocks = window_blocks;
    const ImageFile image(content, packing);
    const ByteRange part{2 * block_bytes, 20 * block_bytes};
    const TrimResult kept = image.trim({part});
    CHECK(kept.kept_bytes == part.length_bytes);
    CHECK(kept.freed_bytes == 0);
    image.require_content(content);
    // What is free of everything makes the room that the part needs.
    const ByteRange whole{40 * block_bytes, 80 * block_bytes};
    const TrimResult freed = image.trim({part, whole});
    CHECK(freed.kept_bytes == 0);
    CHECK(freed.freed_bytes == part.length_bytes + whole.length_bytes);
    zero_whole_blocks(content, {part, whole});
    image.require_content(content);
}
