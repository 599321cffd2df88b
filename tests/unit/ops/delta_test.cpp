// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/ops/delta.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cerrno>

#include "insitu/error.hpp"
#include "insitu/internal/device/device.hpp"
#include "insitu/internal/format/intent.hpp"
#include "insitu/internal/image/create.hpp"
#include "insitu/internal/image/unfinished.hpp"
#include "insitu/internal/journal/recovery.hpp"
#include "support/catch.hpp"
#include "support/image_builder.hpp"
#include "support/power_cut.hpp"
#include "testing/fault_store.hpp"

using namespace insitu;
using namespace insitu::test;
using Catch::Matchers::Contains;

namespace {

using Bytes = std::vector<std::byte>;

struct Pair {
    Bytes old_content;
    Bytes new_content;
    std::unique_ptr<MemoryStore> base;
    std::unique_ptr<MemoryStore> result;
};

void pack_both(Pair& pair, unsigned round) {
    PackOptions options;
    options.codec.algorithm = round % 2 == 0 ? Algorithm::lzo : Algorithm::deflate;
    options.extents.blocks = round % 3 == 0 ? 8 : 0;
    pair.base = pack_in_memory(pair.old_content, options);
    pair.result = pack_in_memory(pair.new_content, options);
}

Pair make_pair_of(Random& random, unsigned round, std::size_t blocks) {
    Pair pair;
    pair.old_content = make_content(random, Content::mixed, blocks * block_bytes);
    pair.new_content = pair.old_content;
    for (std::uint64_t i = 0; i < below(random, 6); ++i) {
        const std::size_t block = below(random, blocks);
        const Bytes fresh = make_content(
            random, static_cast<Content>(below(random, 4)),
            std::min<std::size_t>(1 + below(random, 40), blocks - block) * block_bytes);
        std::copy(fresh.begin(), fresh.end(),
                  pair.new_content.begin() + static_cast<std::ptrdiff_t>(block * block_bytes));
    }
    pack_both(pair, round);
    return pair;
}

// The first and the last block are text, so both have a payload, and the first alone differs.
Pair make_pair_of_one_block(Random& random, unsigned round, std::size_t blocks) {
    const auto put_text = [&](auto place) {
        const auto text = make_content(random, Content::text, block_bytes);
        std::copy(text.begin(), text.end(), place);
    };
    Pair pair;
    pair.old_content = make_content(random, Content::mixed, blocks * block_bytes);
    put_text(pair.old_content.end() - block_bytes);
    pair.new_content = pair.old_content;
    put_text(pair.old_content.begin());
    put_text(pair.new_content.begin());
    pack_both(pair, round);
    return pair;
}

// The file of a delta, as long as it is.
std::unique_ptr<MemoryStore> delta_of(const Pair& pair, DeltaResult* result = nullptr) {
    MemoryStore file(2 * pair.result->size_bytes() + 65536);
    const DeltaResult made = make_delta(Image::open(*pair.base), Image::open(*pair.result),
                                        read_identity(*pair.result), file, {});
    if (result != nullptr) *result = made;
    auto exact = std::make_unique<MemoryStore>(delta_header_bytes + made.header.record_bytes);
    file.read_at(0, exact->bytes());
    return exact;
}

std::unique_ptr<MemoryStore> copy_of(const MemoryStore& store) {
    auto copy = std::make_unique<MemoryStore>(store.size_bytes());
    copy->write_at(0, store.bytes());
    return copy;
}

// Makes the hashes of records right again that were changed.
void sign(MemoryStore& file) {
    std::array<std::byte, delta_header_bytes> bytes{};
    file.read_at(0, bytes);
    DeltaHeader header = decode_delta_header(bytes).value();
    header.record_bytes = file.size_bytes() - delta_header_bytes;
    header.record_hash = XXH3_64bits(file.bytes().data() + delta_header_bytes, header.record_bytes);
    encode_delta_header(header, bytes);
    file.write_at(0, bytes);
}

}  // namespace

TEST_CASE("a delta makes the new image of the old one, and holds no more than what differs") {
    Random random = make_random(940);
    for (unsigned round = 0; round < 20; ++round) {
        const Pair pair = make_pair_of(random, round, 1 + below(random, 300));
        DeltaResult made;
        const auto file = delta_of(pair, &made);
        CHECK(file->size_bytes() <=
              delta_header_bytes + made.payload_bytes +
                  made.windows * (redo_window_bytes + 128 * redo_piece_bytes));
        CHECK(made.header.base_hash == content_hash(Image::open(*pair.base), {}));
        CHECK(made.header.result_hash == content_hash(Image::open(*pair.result), {}));
        // Holes of another base hold something else.
        auto target = copy_of(*pair.base);
        apply_delta(*file, *target, {});
        CHECK(content_hash(Image::open(*target), {}) == made.header.result_hash);
        CHECK(unpack_in_memory(*target) == pair.new_content);
        CHECK(read_identity(*target) == read_identity(*pair.result));
        FaultStore guarded(*target);
        guarded.fail_writes(0, EIO);
        CHECK(apply_delta(*file, guarded, {}).written_bytes == 0);
    }
}

TEST_CASE("what lies in holes of the old image is not taken for its content") {
    Random random = make_random(941);
    Pair pair = make_pair_of(random, 0, 64);
    // Zeros become what a former payload has left in the hole of this base, but not of others.
    Bytes zeros(64 * block_bytes);
    pair.new_content = make_content(random, Content::text, 64 * block_bytes);
    pair.result = pack_in_memory(pair.new_content, {});
    pair.base = copy_of(*pair.result);
    const Geometry geometry = Image::open(*pair.base).geometry();
    pair.base->zero(geometry.meta_at_byte(), geometry.meta_bytes());
    const auto file = delta_of(pair);
    auto target = pack_in_memory(zeros, {});
    apply_delta(*file, *target, {});
    CHECK(unpack_in_memory(*target) == pair.new_content);
}

TEST_CASE("an image that a delta was not made for is refused, and nothing is written") {
    Random random = make_random(942);
    const Pair pair = make_pair_of_one_block(random, 0, 100);
    const auto file = delta_of(pair);
    auto other = copy_of(*pair.base);
    // One byte of a payload, of meta, of nothing.
    const Geometry geometry = Image::open(*other).geometry();
    FaultStore guarded(*other);
    guarded.fail_writes(0, EIO);
    other->bytes()[geometry.block_at_byte({0}) + 5] ^= std::byte{1};
    CHECK_THROWS_WITH(apply_delta(*file, guarded, {}), Contains("is not the image"));
    const Pair another = make_pair_of(random, 1, 100);
    CHECK_THROWS_WITH(apply_delta(*file, *copy_of(*another.base), {}), Contains("is deflate"));
    const Pair larger = make_pair_of(random, 0, 101);
    CHECK_THROWS_WITH(apply_delta(*file, *copy_of(*larger.base), {}),
                      Contains("the delta is for an image of 100"));
    CHECK_THROWS_WITH(make_delta(Image::open(*pair.base), Image::open(*larger.base), {},
                                 *copy_of(*larger.base), {}),
                      Contains("of one size"));
}

TEST_CASE("a delta that is torn, changed or lies is refused, and nothing is written") {
    Random random = make_random(943);
    Pair pair = make_pair_of(random, 0, 100);
    pair.new_content = make_content(random, Content::text, 100 * block_bytes);
    pair.result = pack_in_memory(pair.new_content, {});
    pair.base = pack_in_memory(pair.old_content, {});
    const auto file = delta_of(pair);
    FaultStore guarded(*pair.base);
    guarded.fail_writes(0, EIO);
    for (std::size_t at = 0; at < file->size_bytes(); at += 1 + at / 40) {
        const auto changed = copy_of(*file);
        changed->bytes()[at] ^= std::byte{0x10};
        CHECK_THROWS_AS(apply_delta(*changed, guarded, {}), Error);
        MemoryStore cut(at);
        cut.write_at(0, ByteView(file->bytes()).first(at));
        CHECK_THROWS_AS(apply_delta(cut, guarded, {}), Error);
    }
    // With hashes that fit: windows, pieces and meta that are nowhere.
    for (std::size_t at = delta_header_bytes; at < delta_header_bytes + 60; ++at) {
        for (const unsigned bit : {0x01U, 0x80U, 0xffU}) {
            const auto changed = copy_of(*file);
            changed->bytes()[at] ^= static_cast<std::byte>(bit);
            sign(*changed);
            auto target = copy_of(*pair.base);
            try {
                apply_delta(*changed, *target, {});
                // The meta before is for whoever reads it.
                CHECK(unpack_in_memory(*target) == pair.new_content);
            } catch (const Error&) {
                const bool same = std::equal(target->bytes().begin(), target->bytes().end(),
                                             pair.base->bytes().begin());
                CHECK((same || unfinished_work(*target)));
            }
        }
    }
}

TEST_CASE("a delta that fails at any write is applied by the next run") {
    Random random = make_random(944);
    for (unsigned round = 0; round < 3; ++round) {
        Pair pair = make_pair_of(random, round, 90);
        pair.new_content = make_content(random, Content::mixed, 90 * block_bytes);
        PackOptions options;
        options.codec.algorithm = round % 2 == 0 ? Algorithm::lzo : Algorithm::deflate;
        pair.result = pack_in_memory(pair.new_content, options);
        const auto file = delta_of(pair);
        // One that replaces all would complete any image.
        const Pair foreign = make_pair_of_one_block(random, round, 90);
        const auto foreign_file = delta_of(foreign);
        unsigned unfinished = 0;
        for (std::uint64_t number = 0;; ++number) {
            auto target = copy_of(*pair.base);
            FaultStore faulty(*target);
            faulty.fail_writes(number, EIO, number % 4 * sector_bytes);
            try {
                apply_delta(*file, faulty, {});
                break;
            } catch (const Error& error) {
                CHECK(error.os_error() == EIO);
            }
            if (unfinished_work(*target)) {
                ++unfinished;
                if (number % 5 == 0) {
                    CHECK_THROWS_WITH(apply_delta(*foreign_file, *target, {}),
                                      Contains("does not complete"));
                    REQUIRE(unfinished_work(*target));
                }
            }
            // Records of another delta are in it now.
            if (number % 5 == 0) continue;
            apply_delta(*file, *target, {});
            CHECK(unpack_in_memory(*target) == pair.new_content);
        }
        CHECK(unfinished > 3);
    }
}

TEST_CASE("a delta applies to what an interrupted live device promised") {
    Random random = make_random(945);
    Pair pair = make_pair_of(random, 0, 90);
    RecordingStore recording(pair.base->bytes());
    const Bytes patch = make_content(random, Content::text, 9 * block_bytes);
    {
        Device device(recording, {});
        device.write(20 * block_bytes, patch);
        device.flush();
    }
    MemoryStore pending(pair.base->size_bytes());
    pending.write_at(0, cut_power({pair.base->bytes().begin(), pair.base->bytes().end()},
                                  recording.events(), recording.event_count(), random));
    REQUIRE(has_intent(pending));
    pair.base = copy_of(pending);
    settle_intents(*pair.base);
    const auto file = delta_of(pair);
    apply_delta(*file, pending, {});
    CHECK(unpack_in_memory(pending) == pair.new_content);
}
