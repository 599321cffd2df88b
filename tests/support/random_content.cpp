// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/random_content.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace insitu::test {

namespace {

std::uint64_t run_seed = 1;

void fill(Random& random, Content kind, ByteSpan out) {
    static constexpr std::array<std::string_view, 8> words{
        "extent ", "window ", "payload\n", "share=8 ", "sector 512 ", "head, ", "tail. ", "1403 "};
    switch (kind) {
        case Content::zeros:
            std::fill(out.begin(), out.end(), std::byte{0});
            return;
        case Content::random:
            for (std::byte& byte : out)
                byte = static_cast<std::byte>(random());
            return;
        case Content::repeats: {
            const auto byte = static_cast<std::byte>(1 + below(random, 255));
            std::fill(out.begin(), out.end(), byte);
            return;
        }
        case Content::text:
        case Content::mixed:
            break;
    }
    for (std::size_t at = 0; at < out.size();) {
        for (const char letter : words[below(random, words.size())]) {
            if (at < out.size()) out[at++] = static_cast<std::byte>(letter);
        }
    }
}

}  // namespace

void set_seed(std::uint64_t seed) {
    run_seed = seed;
}

std::uint64_t seed() {
    return run_seed;
}

Random make_random(std::uint64_t salt) {
    return Random(run_seed * 1000003 + salt);
}

std::uint64_t below(Random& random, std::uint64_t limit) {
    return random() % limit;
}

std::vector<std::byte> make_content(Random& random, Content kind, std::size_t length_bytes) {
    std::vector<std::byte> content(length_bytes);
    if (kind != Content::mixed) {
        fill(random, kind, content);
        return content;
    }
    for (std::size_t at = 0; at < length_bytes;) {
        const std::size_t length =
            std::min<std::size_t>(length_bytes - at, (1 + below(random, 20)) * block_bytes);
        fill(random, static_cast<Content>(below(random, 4)), ByteSpan(content).subspan(at, length));
        at += length;
    }
    return content;
}

}  // namespace insitu::test
