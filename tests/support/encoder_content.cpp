// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/encoder_content.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace insitu::test {

namespace {

using Bytes = std::vector<std::byte>;

void append(Bytes& out, std::string_view text) {
    for (const char letter : text)
        out.push_back(static_cast<std::byte>(letter));
}

void append_random(Bytes& out, Random& random, std::uint64_t count) {
    for (; count > 0; --count)
        out.push_back(static_cast<std::byte>(random()));
}

void append_runs(Bytes& out, Random& random) {
    const auto byte = static_cast<std::byte>(below(random, 4));
    out.insert(out.end(), 1 + below(random, below(random, 8) == 0 ? 5000 : 20), byte);
}

void append_word(Bytes& out, Random& random) {
    // Words of a made-up language: short ones are frequent.
    const std::uint64_t word = below(random, 1 + below(random, 600));
    Random letters(word);
    std::string text;
    for (std::uint64_t left = 1 + letters() % 9; left > 0; --left)
        text.push_back(static_cast<char>('a' + letters() % 26));
    append(out, text);
    append(out, below(random, 9) == 0 ? ".\n" : " ");
}

void append_line_of_code(Bytes& out, Random& random) {
    static constexpr std::array<std::string_view, 8> parts{
        "    if (", "    return ", "std::uint32_t ", " = load(", ") {\n",
        "    }\n",  "->",          "const "};
    append(out, parts[below(random, parts.size())]);
    append(out, "v");
    append(out, std::to_string(below(random, 30)));
    append(out, ";\n");
}

void append_x86(Bytes& out, Random& random) {
    static constexpr std::array<std::string_view, 8> instructions{
        "\x48\x8b\x45", "\x48\x89\xe5", "\xe8",     "\x0f\x84",
        "\x48\x83\xc4", "\x89\x44\x24", "\xc3\x90", "\x31\xc0"};
    append(out, instructions[below(random, instructions.size())]);
    append_random(out, random, below(random, 3));
    if (below(random, 3) == 0)
        append(out, std::string_view("\0\0\xff\xff", 4).substr(below(random, 3), 2));
}

void append_base64(Bytes& out, Random& random) {
    static constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (unsigned i = 0; i < 76; ++i)
        append(out, alphabet.substr(below(random, alphabet.size()), 1));
    append(out, "\n");
}

// Copies of earlier bytes at all distances and lengths, between bytes that match nothing.
void append_copy(Bytes& out, Random& random) {
    append_random(out, random, below(random, 4) == 0 ? 1 + below(random, 300) : 1);
    const std::uint64_t distance = 1 + below(random, std::min<std::uint64_t>(out.size(), 60000));
    for (std::uint64_t left = 1 + below(random, below(random, 20) == 0 ? 9000 : 40); left > 0;
         --left)
        out.push_back(out[out.size() - distance]);
}

// Strings that are alike for long and differ in one byte: hard on those who compare.
void append_period(Bytes& out, Random& random) {
    static constexpr std::string_view period = "abcdefg-abcdefg-abcdefg-abcdefg-abcdefg-abcdefg-";
    append(out, period.substr(0, 1 + below(random, period.size())));
    if (below(random, 4) == 0) append_random(out, random, 1);
}

void append_part(Bytes& out, Random& random, EncoderContent kind) {
    switch (kind) {
        case EncoderContent::one_byte_in_zeros:
            return out.resize(out.size() + block_bytes);
        case EncoderContent::runs:
            return append_runs(out, random);
        case EncoderContent::random:
            return append_random(out, random, 64);
        case EncoderContent::text:
            return append_word(out, random);
        case EncoderContent::code:
            return append_line_of_code(out, random);
        case EncoderContent::x86:
            return append_x86(out, random);
        case EncoderContent::base64:
            return append_base64(out, random);
        case EncoderContent::sparse:
            out.resize(out.size() + below(random, 700));
            return append_random(out, random, 1 + below(random, 20));
        case EncoderContent::copies:
            return append_copy(out, random);
        case EncoderContent::periods:
            return append_period(out, random);
        case EncoderContent::changing:
            break;
    }
    // Another kind every few thousand bytes: files side by side.
    const auto other = static_cast<EncoderContent>(
        below(random, static_cast<std::uint64_t>(EncoderContent::changing)));
    const std::size_t end = out.size() + 500 + below(random, 9000);
    while (out.size() < end)
        append_part(out, random, other);
}

}  // namespace

std::vector<std::byte> make_encoder_content(Random& random, EncoderContent kind,
                                            std::size_t length_bytes) {
    Bytes content;
    content.reserve(length_bytes + block_bytes);
    while (content.size() < length_bytes)
        append_part(content, random, kind);
    content.resize(length_bytes);
    if (kind == EncoderContent::one_byte_in_zeros && length_bytes > 0) {
        content[below(random, length_bytes)] = std::byte{1};
    }
    return content;
}

}  // namespace insitu::test
