// SPDX-License-Identifier: GPL-2.0-or-later
#include "codec/lzo_decoder.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "support/catch.hpp"
#include "support/lzo_reference.hpp"
#include "support/random_content.hpp"
#include "support/sanitizer.hpp"

using namespace insitu;
using test::Content;

namespace {

using Bytes = std::vector<std::byte>;

std::vector<std::byte> bytes(std::initializer_list<unsigned> values) {
    Bytes result;
    for (const unsigned value : values)
        result.push_back(static_cast<std::byte>(value));
    return result;
}

// Ours has buffers of the exact sizes, so that a sanitizer sees every step outside.
DecodeResult decode(ByteView stream, Bytes& output) {
    const Bytes exact(stream.begin(), stream.end());
    return decode_lzo(exact, output);
}

DecodeStatus status_of(ByteView stream, std::size_t output_bytes) {
    Bytes output(output_bytes);
    return decode(stream, output).status;
}

std::optional<Bytes> decoded(ByteView stream, std::size_t output_bytes) {
    Bytes output(output_bytes);
    const DecodeResult result = decode(stream, output);
    if (result.status != DecodeStatus::ok) return std::nullopt;
    output.resize(result.output_bytes);
    return output;
}

Bytes encode(ByteView input, Level level) {
    Bytes output(encode_bound_bytes(input.size()));
    const auto encoder = make_encoder({Algorithm::lzo, level, DeflateWindow::kib2});
    output.resize(encoder->encode(input, output, output.size()));
    return output;
}

// A stream with some bytes changed, cut out or doubled.
Bytes damaged(Bytes stream, test::Random& random) {
    const auto place = [&] { return static_cast<std::ptrdiff_t>(random() % stream.size()); };
    for (unsigned changes = 1 + static_cast<unsigned>(random() % 3); changes > 0; --changes) {
        const auto at = stream.begin() + place();
        switch (random() % 4) {
            case 0:
                *at ^= static_cast<std::byte>(1U << random() % 8);
                break;
            case 1:
                *at = static_cast<std::byte>(random());
                break;
            case 2:
                if (stream.size() > 1) stream.erase(at);
                break;
            default:
                stream.insert(at, *at);
        }
    }
    return stream;
}

}  // namespace

TEST_CASE("a stream decodes to what liblzo2 makes of it, whatever room there is") {
    auto random = test::make_random(21);
    for (const Level level : {Level::fast, Level::best}) {
        for (const Content kind :
             {Content::zeros, Content::text, Content::mixed, Content::repeats, Content::random}) {
            const Bytes input = test::make_content(random, kind, block_bytes * (1 + random() % 8));
            const Bytes stream = encode(input, level);
            for (const std::size_t room : {input.size(), input.size() + 1, input.size() + 100}) {
                CHECK(decoded(stream, room) == input);
            }
            CHECK(status_of(stream, input.size() - 1) == DecodeStatus::overflow);
        }
    }
}

TEST_CASE("damaged streams are refused or decoded exactly as liblzo2 does it") {
    auto random = test::make_random(22);
    unsigned refused = 0;
    unsigned survived = 0;
    for (unsigned round = 0; round < test::rounds_of(8000); ++round) {
        const auto kind = round % 2 == 0 ? Content::repeats : Content::mixed;
        const Bytes input = test::make_content(random, kind, 64 + random() % 2000);
        const Bytes stream =
            damaged(encode(input, round % 3 == 0 ? Level::best : Level::fast), random);
        const auto expected = test::lzo_reference(stream, input.size());
        const auto found = decoded(stream, input.size());
        if (expected && !found && test::may_end_oddly(stream)) continue;
        REQUIRE(found == expected);
        ++(found ? survived : refused);
    }
    CHECK(refused > 1000);
    CHECK(survived > 100);
}

TEST_CASE("every cut of a stream is refused") {
    auto random = test::make_random(23);
    const Bytes input = test::make_content(random, Content::mixed, 700);
    const Bytes stream = encode(input, Level::fast);
    for (std::size_t length = 0; length < stream.size(); ++length) {
        CHECK(status_of(ByteView(stream).first(length), input.size()) == DecodeStatus::corrupt);
    }
}

TEST_CASE("nothing is read behind a stream, wherever it is cut") {
    constexpr std::size_t page_bytes = 4096;
    void* const pages =
        ::mmap(nullptr, 2 * page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(pages != MAP_FAILED);
    const auto end = static_cast<std::byte*>(pages) + page_bytes;
    REQUIRE(::mprotect(end, page_bytes, PROT_NONE) == 0);  // a step too far ends the program

    // A run of literals, a match with literals behind it, a long run, and the end.
    const Bytes stream = bytes({17 + 5, 1, 2, 3, 4, 5, 0x48 | 3, 0, 6, 7, 8,  0x41, 0, 9, 0x20, 9,
                                4 | 2,  0, 1, 2, 0, 3, 1,        2, 3, 4, 5,  6,    7, 8, 9,    10,
                                11,     1, 2, 3, 4, 5, 6,        7, 8, 9, 10, 0x11, 0, 0});
    for (std::size_t length = 0; length <= stream.size(); ++length) {
        std::copy_n(stream.begin(), length, end - length);
        Bytes output(512);
        const ByteView cut(end - length, length);
        const bool decodes = decode_lzo(cut, output).status == DecodeStatus::ok;
        CHECK(decodes == test::lzo_reference(cut, output.size()).has_value());
    }
    ::munmap(pages, 2 * page_bytes);
}

TEST_CASE("tokens at the edges of the format") {
    Bytes room(64);
    SECTION("an end marker alone is an empty stream") {
        const DecodeResult result = decode_lzo(bytes({0x11, 0, 0}), room);
        CHECK(result.status == DecodeStatus::ok);
        CHECK(result.output_bytes == 0);
    }
    SECTION("bytes behind the end marker are refused") {
        CHECK(status_of(bytes({0x11, 0, 0, 0}), room.size()) == DecodeStatus::corrupt);
    }
    SECTION("an end marker of another length is refused, as in the kernel") {
        CHECK(status_of(bytes({0x12, 0, 0}), room.size()) == DecodeStatus::corrupt);
    }
    SECTION("a match before the start is refused") {
        // one literal, then a match of 3 at distance 2
        CHECK(status_of(bytes({0x12, 'a', 0x44, 0, 0x11, 0, 0}), room.size()) ==
              DecodeStatus::corrupt);
    }
    SECTION("so is one far from both ends") {
        Bytes stream = bytes({0x12, 'a', 0x44, 0});
        stream.resize(200, std::byte{'b'});
        CHECK(status_of(stream, 4096) == DecodeStatus::corrupt);
    }
    SECTION("a short match behind one to three literals, and behind a run") {
        // "abcd", M1 of 3 needs 0x801 bytes before it
        CHECK(status_of(bytes({0x15, 'a', 'b', 'c', 'd', 0x00, 0, 0x11, 0, 0}), room.size()) ==
              DecodeStatus::corrupt);
        // "ab", M1 of 2 at distance 2
        const DecodeResult result = decode_lzo(bytes({0x13, 'a', 'b', 0x04, 0, 0x11, 0, 0}), room);
        CHECK(result.status == DecodeStatus::ok);
        CHECK(result.output_bytes == 4);
        CHECK(Bytes(room.begin(), room.begin() + 4) == bytes({'a', 'b', 'a', 'b'}));
    }
    SECTION("a length of zeros only never ends") {
        CHECK(status_of(bytes({0x00, 0, 0, 0, 0, 0}), room.size()) == DecodeStatus::corrupt);
    }
}
