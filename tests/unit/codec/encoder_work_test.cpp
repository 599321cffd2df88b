// SPDX-License-Identifier: GPL-2.0-or-later
// How much work encoders do for contents that are made to hurt them, against ordinary ones. Work is
// counted, not timed: the library's codec is compiled once more for this program, so that each
// basic block that is passed counts one.
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "codec/border_encoder.hpp"
#include "insitu/internal/codec/codec.hpp"
#include "support/catch.hpp"
#include "support/encoder_content.hpp"

using namespace insitu;
using Bytes = std::vector<std::byte>;

namespace {

std::uint64_t passed_blocks = 0;

constexpr std::size_t length_bytes = window_bytes;

// A row of bytes again and again; every `noise` bytes (0: never) one is another.
Bytes make_period(test::Random& random, std::size_t period, std::size_t noise) {
    Bytes content(length_bytes);
    for (std::size_t i = 0; i < content.size(); ++i) {
        const bool own = i < period || (noise != 0 && i % noise == 0);
        content[i] = own ? static_cast<std::byte>(random()) : content[i - period];
    }
    return content;
}

// The same key again and again, each time before other bytes: all places are candidates.
Bytes make_keys(test::Random& random, std::size_t key, std::size_t others) {
    Bytes content(length_bytes);
    for (std::size_t i = 0; i < content.size(); ++i) {
        const std::size_t place = i % (key + others);
        content[i] = static_cast<std::byte>(place < key ? place : random());
    }
    return content;
}

std::vector<Bytes> make_hard_contents(test::Random& random) {
    std::vector<Bytes> contents;
    for (const std::size_t period : {1U, 3U, 16U, 300U, 2048U, 49151U}) {
        for (const std::size_t noise : {0U, 17U, 49U, 259U})
            contents.push_back(make_period(random, period, noise));
    }
    for (const std::size_t key : {3U, 4U, 15U}) {
        for (const std::size_t others : {1U, 2U, 12U})
            contents.push_back(make_keys(random, key, others));
    }
    for (const auto kind : test::encoder_contents)
        contents.push_back(test::make_encoder_content(random, kind, length_bytes));
    return contents;
}

std::uint64_t work_of_whole(Encoder& encoder, const Bytes& content, ByteSpan output) {
    passed_blocks = 0;
    (void)encoder.encode(content, output, output.size());
    return passed_blocks;
}

// As `--extent auto` asks: for the length at each border, and for an end at the last one.
std::uint64_t work_of_borders(BorderEncoder& encoder, const Bytes& content, ByteSpan output) {
    passed_blocks = 0;
    encoder.start(content, output);
    for (unsigned block = 1; block <= window_blocks; ++block) {
        encoder.advance(block);
        (void)encoder.length_bytes(block);
    }
    (void)encoder.finish(window_blocks);
    return passed_blocks;
}

template <class Work>
void check_work(Work work) {
    constexpr std::uint64_t most_times = 8;
    auto random = test::make_random(57);
    std::vector<std::uint64_t> ordinary;
    for (const auto kind :
         {test::EncoderContent::text, test::EncoderContent::code, test::EncoderContent::x86,
          test::EncoderContent::base64, test::EncoderContent::changing}) {
        ordinary.push_back(work(test::make_encoder_content(random, kind, length_bytes)));
    }
    std::sort(ordinary.begin(), ordinary.end());
    const std::uint64_t median = ordinary[ordinary.size() / 2];
    CHECK(median > length_bytes / 8);  // it is counted at all
    std::uint64_t worst = 0;
    std::size_t worst_content = 0;
    const std::vector<Bytes> contents = make_hard_contents(random);
    for (std::size_t i = 0; i < contents.size(); ++i) {
        const std::uint64_t steps = work(contents[i]);
        if (steps <= worst) continue;
        worst = steps;
        worst_content = i;
    }
    CAPTURE(median, worst, worst_content);
    CHECK(worst <= most_times * median);
}

// All that are the library's own.
std::vector<EncoderOptions> own_encoders() {
    std::vector<EncoderOptions> all;
    for (std::uint8_t level = 1; level <= 9; ++level) {
        all.push_back({Algorithm::lzo, Level{level}, DeflateWindow::kib2});
        all.push_back({Algorithm::deflate, Level{level}, DeflateWindow::kib2});
    }
    all.push_back({Algorithm::deflate, Level{1}, DeflateWindow::kib32});
    return all;
}

}  // namespace

// What the compiler puts into each basic block of the codec. NOLINTNEXTLINE
extern "C" void __sanitizer_cov_trace_pc() {
    ++passed_blocks;
}

TEST_CASE("no content takes more than 8 times the work of ordinary ones") {
    std::vector<std::byte> output(encode_bound_bytes(length_bytes));
    for (const EncoderOptions& options : own_encoders()) {
        const bool deflate = options.algorithm == Algorithm::deflate;
        CAPTURE(deflate, static_cast<unsigned>(options.level));
        const auto encoder = make_encoder(options);
        check_work([&](const Bytes& content) { return work_of_whole(*encoder, content, output); });
    }
}

TEST_CASE("no content takes more than 8 times the work to be cut at its borders") {
    std::vector<std::byte> output(encode_bound_bytes(length_bytes));
    for (const EncoderOptions& options : own_encoders()) {
        const bool deflate = options.algorithm == Algorithm::deflate;
        CAPTURE(deflate, static_cast<unsigned>(options.level));
        const BorderChoice choice = make_border_choice(options);
        if (choice.packer != nullptr) continue;  // cut by another encoder of these
        check_work([&](const Bytes& content) {
            return work_of_borders(*choice.encoder, content, output);
        });
    }
}
