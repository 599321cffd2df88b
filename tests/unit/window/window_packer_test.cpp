// SPDX-License-Identifier: GPL-2.0-or-later
#include "window/window_packer.hpp"

#include <cstring>
#include <string>
#include <vector>

#include "insitu/internal/window/payload_decoder.hpp"
#include "support/catch.hpp"
#include "support/random_content.hpp"

using namespace insitu;
using namespace insitu::test;

namespace {

constexpr WindowIndex window{7};

// A letter a block: . zeros, t text, r random bytes.
std::vector<std::byte> content_for(const std::string& picture) {
    Random random = make_random(4711);
    std::vector<std::byte> content;
    for (const char letter : picture) {
        const Content kind = letter == 't' ? Content::text : Content::random;
        const auto block = letter == '.' ? std::vector<std::byte>(block_bytes)
                                         : make_content(random, kind, block_bytes);
        content.insert(content.end(), block.begin(), block.end());
    }
    return content;
}

// A map as a picture: . unmapped; an extent is ( with - for each further block, raw ones R and =.
std::string picture_of(const WindowMap& map) {
    std::string text;
    for (const Extent extent : map.extents()) {
        text += extent.unmapped() ? '.' : extent.raw() ? 'R' : '(';
        text.append(extent.blocks - 1, extent.raw() ? '=' : '-');
    }
    return text;
}

struct Packed {
    WindowMap map;
    std::vector<PackedRun> runs;  // payloads are those in `bytes`
    std::vector<std::byte> bytes = std::vector<std::byte>(window_bytes);
};

Packed pack(const std::vector<std::byte>& content, const EncoderOptions& codec, ExtentPolicy policy,
            Seals seals = Seals::write) {
    WindowPacker packer(codec, policy, seals);
    Packed packed;
    packed.map = packer.pack(window, content, [&](const PackedRun& run) {
        std::byte* const place = packed.bytes.data() + run.first * block_bytes;
        std::memcpy(place, run.payload.data(), run.payload.size());
        packed.runs.push_back(run);
        packed.runs.back().payload = {place, run.payload.size()};
    });
    return packed;
}

// What a reader makes of map and payloads.
std::vector<std::byte> unpack(const Packed& packed, Algorithm algorithm) {
    PayloadDecoder decoder(algorithm);
    std::vector<std::byte> content(packed.map.blocks() * block_bytes);
    for (const Extent extent : packed.map.extents()) {
        if (extent.unmapped()) continue;
        const ByteView payload =
            ByteView(packed.bytes)
                .subspan(extent.first * block_bytes, extent.payload_sectors * sector_bytes);
        const ByteSpan output =
            ByteSpan(content).subspan(extent.first * block_bytes, extent.blocks * block_bytes);
        if (extent.raw()) {
            std::memcpy(output.data(), payload.data(), output.size());
        } else {
            CHECK_FALSE(decoder.decode(first_block_of(window) + extent.first, payload, output));
        }
    }
    return content;
}

}  // namespace

TEST_CASE("windows are packed as the pictures say") {
    struct Row {
        std::string content;
        unsigned blocks;
        std::string map;
    };
    const std::vector<Row> rows{
        {"................................", 32, "................................"},
        {"................................", 0, "................................"},
        {"t", 32, "("},
        {"t", 1, "("},
        {"t", 0, "("},
        {"r", 32, "R"},
        {"r", 0, "R"},
        {".t", 4, ".("},
        {"t.", 4, "(."},
        {"tttttttt", 1, "(((((((("},
        {"tttttttt", 2, "(-(-(-(-"},
        {"tttttttt", 4, "(---(---"},
        {"tttttttt", 8, "(-------"},
        {"tttttttt", 32, "(-------"},
        // Cut at the multiples of the size, not at those of the run's start.
        {".ttttttt", 4, ".(--(---"},
        {"ttt.tttt", 4, "(--.(---"},
        {"tt..tttt", 8, "(-..(---"},
        // Random bytes are one raw extent by a fixed size, and one a block by content.
        {"rrrr", 4, "R==="},
        {"rrrr", 0, "RRRR"},
        {"rr.rr", 0, "RR.RR"},
        {"rrtt", 2, "R=(-"},
        {"...............................t", 32, "...............................("},
        {"tttttttttttttttttttttttttttttttt", 32, "(-------------------------------"},
        {"tttttttttttttttttttttttttttttttt", 16, "(---------------(---------------"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.content, row.blocks);
        for (const Algorithm algorithm : {Algorithm::lzo, Algorithm::deflate}) {
            const auto content = content_for(row.content);
            const Packed packed = pack(content, {.algorithm = algorithm}, {row.blocks});
            CHECK(picture_of(packed.map) == row.map);
            CHECK(packed.map.sound());
            CHECK((unpack(packed, algorithm) == content));
        }
    }
}

TEST_CASE("runs rise, stay inside their blocks, and cover what is mapped once") {
    Random random = make_random(99);
    const std::string letters = "...ttttrr";
    for (int round = 0; round < 60; ++round) {
        std::string picture;
        const auto length = 1 + random() % window_blocks;
        for (unsigned i = 0; i < length; ++i)
            picture += letters[random() % letters.size()];
        const unsigned policies[] = {0, 1, 2, 4, 8, 16, 32};
        const unsigned blocks = policies[random() % std::size(policies)];
        const Algorithm algorithm = random() % 2 == 0 ? Algorithm::lzo : Algorithm::deflate;
        CAPTURE(picture, blocks, static_cast<int>(algorithm));
        const auto content = content_for(picture);
        const Packed packed =
            pack(content, {.algorithm = algorithm, .level = Level::fast}, {blocks});
        unsigned end = 0;
        std::uint32_t covered = 0;
        for (const PackedRun& run : packed.runs) {
            CHECK(run.first >= end);
            CHECK(run.blocks > 0);
            end = run.first + run.blocks;
            CHECK(end <= length);
            CHECK(run.payload.size() % sector_bytes == 0);
            CHECK(run.payload.size() <= run.blocks * block_bytes);
            CHECK((!run.raw_blocks || run.payload.size() == run.blocks * block_bytes));
            for (unsigned i = run.first; i < end; ++i)
                covered |= std::uint32_t{1} << i;
        }
        std::uint32_t mapped = 0;
        for (unsigned i = 0; i < length; ++i)
            mapped |= picture[i] == '.' ? 0 : std::uint32_t{1} << i;
        CHECK(covered == mapped);
        CHECK((unpack(packed, algorithm) == content));
    }
}

TEST_CASE("what a packer makes depends on content, place and options alone") {
    const auto content = content_for("tttt.rrtttttttt");
    const auto other = content_for("rrrrrrrrtttttt");
    for (const ExtentPolicy policy : {ExtentPolicy{0}, ExtentPolicy{8}}) {
        WindowPacker used({}, policy, Seals::write);
        static_cast<void>(used.pack({3}, other, [](const PackedRun&) {}));
        std::vector<std::byte> bytes(window_bytes);
        const WindowMap map = used.pack(window, content, [&](const PackedRun& run) {
            std::memcpy(bytes.data() + run.first * block_bytes, run.payload.data(),
                        run.payload.size());
        });
        const Packed fresh = pack(content, {}, policy);
        CHECK(map == fresh.map);
        CHECK((bytes == fresh.bytes));
        // A seal names the place; without seals nothing does.
        CHECK((pack(content, {}, policy, Seals::none).bytes != fresh.bytes));
    }
}

TEST_CASE("what a taker of payloads throws ends the packing") {
    WindowPacker packer({}, {1}, Seals::write);
    const auto content = content_for("tttt");
    unsigned calls = 0;
    CHECK_THROWS_AS(packer.pack(window, content,
                                [&](const PackedRun&) {
                                    ++calls;
                                    throw 7;
                                }),
                    int);
    CHECK(calls == 1);
    CHECK(picture_of(packer.pack(window, content, [](const PackedRun&) {})) == "((((");
}
