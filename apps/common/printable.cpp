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

// The length of the UTF-8 character at the start of a text, 0 where there is none.
std::size_t character_bytes(std::string_view text) {
    constexpr unsigned continuation = 0x80;
    constexpr unsigned continuation_mask = 0xc0;
    constexpr unsigned payload_bits = 6;
    const unsigned lead = byte_at(text, 0);
    if (lead < continuation) return 1;
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
    std::uint32_t code = lead & (0x7fU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte_at(text, i) & continuation_mask) != continuation) return 0;
        code = code << payload_bits | (byte_at(text, i) & ~continuation_mask);
    }
    const bool too_long = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    const bool surrogate = code >= 0xd800 && code < 0xe000;
    return too_long || surrogate || code > 0x10ffff ? 0 : length;
}

// C0 and C1, DEL, line and paragraph separators, and what changes the direction of writing.
bool is_control(std::string_view character) {
    if (character.size() == 1) return byte_at(character, 0) < 0x20 || character[0] == '\x7f';
    if (character.size() == 2) return byte_at(character, 0) == 0xc2 && byte_at(character, 1) < 0xa0;
    if (character.substr(0, 2) == "\xe2\x80") {
        const unsigned last = byte_at(character, 2);
        return last >= 0xa8 && last <= 0xae;
    }
    return character.substr(0, 2) == "\xe2\x81" && byte_at(character, 2) >= 0xa6 &&
           byte_at(character, 2) <= 0xa9;
}

std::string escaped(std::string_view bytes) {
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); ++i)
        text += fmt::format("\\x{:02x}", byte_at(bytes, i));
    return text;
}

// Calls take(part, valid) for the characters and the stray bytes of a text, in order.
template <class Take>
void for_each_character(std::string_view text, Take take) {
    while (!text.empty()) {
        const std::size_t length = character_bytes(text);
        const std::size_t step = length != 0 ? length : 1;
        take(text.substr(0, step), length != 0);
        text.remove_prefix(step);
    }
}

std::string utf8_of(const std::string& text) {
    bool whole = true;
    for_each_character(text, [&](std::string_view, bool valid) { whole = whole && valid; });
    if (whole) return text;
    std::string result;
    for_each_character(text, [&](std::string_view part, bool valid) {
        if (!valid) {
            result += escaped(part);
        } else {
            result += part == "\\" ? "\\\\" : part;
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
    for_each_character(text, [&](std::string_view part, bool valid) {
        result += valid && !is_control(part) ? std::string(part) : escaped(part);
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
        return document.dump(indent);
    } catch (const nlohmann::json::type_error&) {
        nlohmann::ordered_json copy = document;
        make_utf8(copy);
        return copy.dump(indent);
    }
}

}  // namespace insitu::apps
