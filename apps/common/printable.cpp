// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/printable.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdint>

namespace insitu::apps {

namespace {

unsigned byte_at(std::string_view text, std::size_t at) {
    return static_cast<unsigned char>(text[at]);
}

// The UTF-8 character at the start of a text; 0 bytes where there is none.
struct Character {
    std::size_t bytes = 0;
    std::uint32_t code = 0;
};

Character first_character(std::string_view text) {
    constexpr unsigned continuation = 0x80;
    constexpr unsigned continuation_mask = 0xc0;
    constexpr unsigned payload_bits = 6;
    const unsigned lead = byte_at(text, 0);
    if (lead < continuation) return {1, lead};
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {};
    std::uint32_t code = lead & (0x7fU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte_at(text, i) & continuation_mask) != continuation) return {};
        code = code << payload_bits | (byte_at(text, i) & ~continuation_mask);
    }
    const bool too_long = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    const bool surrogate = code >= 0xd800 && code < 0xe000;
    if (too_long || surrogate || code > 0x10ffff) return {};
    return {length, code};
}

// C0 and C1, DEL, line and paragraph separators, and what changes the direction of writing.
bool is_control(std::uint32_t code) {
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);
}

std::string escaped(std::string_view bytes) {
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); ++i)
        text += fmt::format("\\x{:02x}", byte_at(bytes, i));
    return text;
}

// Calls take(part, character) for the characters and the stray bytes of a text, in order.
template <class Take>
void for_each_character(std::string_view text, Take take) {
    while (!text.empty()) {
        const Character character = first_character(text);
        const std::size_t step = character.bytes != 0 ? character.bytes : 1;
        take(text.substr(0, step), character);
        text.remove_prefix(step);
    }
}

std::string utf8_of(const std::string& text) {
    bool whole = true;
    for_each_character(text, [&](std::string_view, Character character) {
        whole = whole && character.bytes != 0;
    });
    if (whole) return text;
    std::string result;
    for_each_character(text, [&](std::string_view part, Character character) {
        if (character.bytes == 0) {
            result += escaped(part);
        } else {
            result += part == "\\" ? "\\\\" : part;
        }
    });
    return result;
}

// The same JSON without control characters but the line feeds between its parts: those below 0x20
// are escaped within strings already.
std::string without_controls(const std::string& text) {
    std::string result;
    for_each_character(text, [&](std::string_view part, Character character) {
        if (character.code >= 0x7f && is_control(character.code)) {
            result += fmt::format("\\u{:04x}", character.code);
        } else {
            result += part;
        }
    });
    return result;
}

void make_utf8(nlohmann::ordered_json& document) {
    if (document.is_string()) {
        document = utf8_of(document.get<std::string>());
    } else if (document.is_structured()) {
        for (auto& member : document)
            make_utf8(member);
    }
}

}  // namespace

std::string printable(std::string_view text) {
    std::string result;
    for_each_character(text, [&](std::string_view part, Character character) {
        const bool shown = character.bytes != 0 && !is_control(character.code);
        result += shown ? std::string(part) : escaped(part);
    });
    return result;
}

std::string printable_lines(std::string_view text) {
    std::string result;
    for (;;) {
        const std::size_t end = text.find('\n');
        result += printable(text.substr(0, end));
        if (end == std::string_view::npos) return result;
        result += '\n';
        text.remove_prefix(end + 1);
    }
}

std::string json_text(const nlohmann::ordered_json& document, int indent) {
    try {
        return without_controls(document.dump(indent));
    } catch (const nlohmann::json::type_error&) {
        nlohmann::ordered_json copy = document;
        make_utf8(copy);
        return without_controls(copy.dump(indent));
    }
}

}  // namespace insitu::apps
