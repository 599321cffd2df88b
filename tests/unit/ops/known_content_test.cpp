// SPDX-License-Identifier: GPL-2.0-or-later
// Updates from raw content by somebody who knows, or thinks so, what the image holds.
#include "insitu/internal/ops/known_content.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "insitu/error.hpp"
#include "insitu/internal/format/seal.hpp"
#include "insitu/internal/image/meta_cursor.hpp"
#include "insitu/internal/image/unfinished.hpp"
#include "support/catch.hpp"
#include "support/image_builder.hpp"
#include "support/random_content.hpp"
#include "testing/fault_store.hpp"

using namespace insitu;
using namespace insitu::test;

namespace {

using Bytes = std::vector<std::byte>;

// Old content and new, which differs in some runs of blocks.
struct Contents {
    Contents(Random& random, std::size_t blocks, unsigned edits)
        : before(make_content(random, Content::mixed, blocks * block_bytes)), after(before) {
        for (unsigned i = 0; i < edits; ++i) {
            const std::size_t first = below(random, blocks);
            const std::size_t count = std::min<std::size_t>(1 + below(random, 6), blocks - first);
            const auto kind = static_cast<Content>(below(random, 4));
            const Bytes fresh = make_content(random, kind, count * block_bytes);
            std::copy(fresh.begin(), fresh.end(),
                      after.begin() + static_cast<std::ptrdiff_t>(first * block_bytes));
        }
    }
    Bytes before;
    Bytes after;
};

PackOptions packing(unsigned round) {
    PackOptions options;
    options.codec.algorithm = round % 2 == 0 ? Algorithm::lzo : Algorithm::deflate;
    return options;
}

// True of an image that holds `content`.
KnownContent truth_of(const Bytes& content) {
    return [&content](WindowIndex window, const WindowMap& map, ByteView wanted) {
        const ByteView there = ByteView(content).subspan(window.value * window_bytes);
        std::uint32_t known = 0;
        for (const Extent extent : map.extents()) {
            for (unsigned block = extent.first; block < extent.first + extent.blocks; ++block) {
                const std::size_t at = block * block_bytes;
                if (extent.unmapped() || at >= wanted.size()) continue;
                if (std::memcmp(there.data() + at, wanted.data() + at, block_bytes) != 0) continue;
                known |= std::uint32_t{1} << block;
            }
        }
        return std::optional(known);
    };
}

std::optional<std::uint32_t> claim_all(WindowIndex, const WindowMap&, ByteView) {
    return ~std::uint32_t{0};
}

PackResult update_from(const Bytes& content, Store& target, const PackOptions& options,
                       const KnownContent& known) {
    MemoryStore raw(content.size());
    raw.write_at(0, content);
    return update_from_source(*make_source(raw), target, options, known, {.threads = 2});
}

void require_content(const Store& target, Bytes expected) {
    const Bytes content = unpack_in_memory(target);
    expected.resize(content.size());
    REQUIRE(content == expected);
}

}  // namespace

TEST_CASE("what is known stays, and the rest of its window is packed") {
    Random random = make_random(1140);
    for (unsigned round = 0; round < 16; ++round) {
        Contents contents(random, 65 + below(random, 200), static_cast<unsigned>(round % 5));
        PackOptions options = packing(round);
        const auto target = pack_in_memory(contents.before, options);
        MemoryStore compared(target->size_bytes());
        compared.write_at(0, target->bytes());
        if (round % 3 == 1) contents.after.resize(contents.after.size() - 3 * block_bytes - 9);
        options.verify = PackOptions::Verify::yes;
        const PackResult result =
            update_from(contents.after, *target, options, truth_of(contents.before));
        require_content(*target, contents.after);
        CHECK(result.update->trusted_bytes > 0);
        CHECK(result.update->kept_bytes == 0);
        // Whole windows are packed if nothing is known.
        const PackResult other = update_from(contents.after, compared, options, {});
        CHECK(result.update->written_bytes <= other.update->written_bytes);
        CHECK(other.update->trusted_bytes == 0);
        // Once more: nothing is left to write.
        FaultStore counting(*target);
        counting.fail_writes(0, EIO);
        options.verify = PackOptions::Verify::no;
        const Bytes now = unpack_in_memory(*target);
        CHECK(update_from(contents.after, counting, options, truth_of(now)).update->written_bytes ==
              0);
    }
}

TEST_CASE("what the image shows counts more than what is known") {
    Random random = make_random(1141);
    for (unsigned round = 0; round < 12; ++round) {
        Contents contents(random, 40 + below(random, 100), 6);
        if (round % 3 == 0) contents.after.resize(contents.after.size() - 2 * block_bytes - 1);
        PackOptions options = packing(round);
        options.seals = Seals::none;
        const auto target = pack_in_memory(contents.before, options);
        const PackResult result = update_from(contents.after, *target, options, claim_all);
        require_content(*target, contents.after);
        CHECK(result.update->written_bytes > 0);
    }
}

TEST_CASE("a payload under its seal is not decoded, and raw ones are compared") {
    Random random = make_random(1142);
    const Contents contents(random, 96, 0);
    const auto target = pack_in_memory(contents.before, packing(1));
    const Image image = Image::open(*target);
    MetaCursor cursor(image);
    Bytes before = contents.before;
    unsigned raw = 0;
    unsigned sealed = 0;
    for (WindowIndex window{0}; window < WindowIndex{3}; window = window + 1) {
        for (const StoredExtent& extent : cursor.extents_touching(window)) {
            if (extent.unmapped()) continue;
            // One bit of each payload: of a sealed stream nobody sees it here.
            const std::uint64_t at = image.geometry().block_at_byte(extent.first);
            Bytes payload(extent.payload_sectors * sector_bytes);
            target->read_at(at, payload);
            const bool has_seal =
                !extent.raw() && is_sealed(payload, extent.first, extent.payload_sectors);
            if (!has_seal && !extent.raw()) continue;
            ++(has_seal ? sealed : raw);
            payload[4] ^= std::byte{1};
            target->write_at(at, payload);
        }
    }
    REQUIRE(raw > 0);
    REQUIRE(sealed > 0);
    const PackResult result = update_from(contents.after, *target, packing(1), claim_all);
    CHECK(result.update->trusted_bytes > 0);
    // All raw ones are written again, a sector and no more, besides the marks of block 0.
    CHECK(result.update->written_bytes == (raw + 2) * sector_bytes);
    // By their content, all are found.
    CHECK(update_from(contents.after, *target, packing(1), {}).update->written_bytes > 0);
    require_content(*target, contents.after);
}

TEST_CASE("an extent that reaches beyond the content does not stay") {
    Random random = make_random(1144);
    for (std::size_t missing = 1; missing < 40; ++missing) {
        const Contents contents(random, 96, 0);
        const auto target = pack_in_memory(contents.before, packing(missing % 2));
        Bytes shorter = contents.before;
        shorter.resize(shorter.size() - missing * block_bytes);
        update_from(shorter, *target, packing(missing % 2), claim_all);
        require_content(*target, shorter);
    }
}

TEST_CASE("an interrupted update is completed without what was known") {
    Random random = make_random(1143);
    const Contents contents(random, 80, 5);
    unsigned unfinished = 0;
    for (std::uint64_t number = 0;; ++number) {
        const auto target = pack_in_memory(contents.before, packing(0));
        FaultStore faulty(*target);
        faulty.fail_writes(number, EIO, number % 4 * sector_bytes);
        try {
            update_from(contents.after, faulty, packing(0), truth_of(contents.before));
            break;
        } catch (const Error& error) {
            CHECK(error.os_error() == EIO);
        }
        if (!unfinished_work(*target)) continue;
        ++unfinished;
        // Who would claim all of it now is not asked.
        const PackResult result = update_from(contents.after, *target, packing(0), claim_all);
        CHECK(result.update->resumed);
        CHECK(result.update->trusted_bytes == 0);
        require_content(*target, contents.after);
    }
    CHECK(unfinished > 3);
}
