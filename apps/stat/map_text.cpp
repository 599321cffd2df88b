// SPDX-License-Identifier: GPL-2.0-or-later
#include "stat/map_text.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <string_view>

#include "common/sizes.hpp"
#include "insitu/internal/format/geometry.hpp"

namespace insitu::apps {

namespace {

constexpr unsigned rows = 16;
constexpr unsigned label_columns = 12;  // "1023.9 GiB "
constexpr unsigned fewest_columns = label_columns + 8;
constexpr unsigned most_columns = 400;

struct Look {
    const char* utf8;
    char ascii;
    const char* colour;  // SGR
    const char* meaning;
};

// Rising with the space that the payloads take; what is unmapped and what is damaged stand apart.
enum Kind { unmapped, tight, half, loose, nearly_raw, raw, damaged };
constexpr std::array<Look, 7> looks{{
    {"\u00b7", '.', "2", "unmapped"},
    {"\u2591", ':', "32", "payloads take up to 25 % of the region"},
    {"\u2592", '-', "32", "payloads take up to 50 % of the region"},
    {"\u2593", '+', "33", "payloads take up to 75 % of the region"},
    {"\u2588", '#', "33", "payloads take more than 75 % of the region"},
    {"R", 'R', "31", "all of it raw"},
    {"!", '!', "1;31", "meta that makes no sense"},
}};

Kind kind_of(const Region& region) {
    if (region.faulty_blocks != 0) return damaged;
    if (region.mapped_blocks == 0) return unmapped;
    if (region.raw_blocks == region.blocks) return raw;
    constexpr std::uint64_t steps = 4;
    const std::uint64_t step =
        ceil_div(region.payload_sectors * steps, region.blocks * sectors_per_block);
    return static_cast<Kind>(std::clamp<std::uint64_t>(step, tight, nearly_raw));
}

std::string sign_of(Kind kind, const MapStyle& style) {
    return style.utf8 ? std::string(looks[kind].utf8) : std::string(1, looks[kind].ascii);
}

std::string coloured(Kind kind, const std::string& text, const MapStyle& style) {
    if (!style.colours) return text;
    return fmt::format("\x1b[{}m{}\x1b[0m", looks[kind].colour, text);
}

unsigned cells_in_row(const MapStyle& style) {
    return std::clamp(style.columns, fewest_columns, most_columns) - label_columns;
}

bool is_set(const char* value) {
    return value != nullptr && *value != '\0';
}

bool is_utf8_locale(const World& world) {
    for (const char* const value :
         {world.variable("LC_ALL"), world.variable("LC_CTYPE"), world.variable("LANG")}) {
        if (!is_set(value)) continue;
        return ::strcasestr(value, "utf-8") != nullptr || ::strcasestr(value, "utf8") != nullptr;
    }
    return false;
}

}  // namespace

MapStyle map_style_of(const World& world) {
    MapStyle style;
    winsize size{};
    const bool is_terminal = ::isatty(world.output_fd()) == 1;
    const char* const columns = world.variable("COLUMNS");
    unsigned wanted = 0;
    if (is_set(columns)) {
        const char* const end = columns + std::strlen(columns);
        // What is no number, or none of 32 bits, is not looked at.
        if (std::from_chars(columns, end, wanted).ptr != end) wanted = 0;
    }
    if (wanted != 0) {
        style.columns = std::min(wanted, most_columns);
    } else if (is_terminal && ::ioctl(world.output_fd(), TIOCGWINSZ, &size) == 0 &&
               size.ws_col != 0) {
        style.columns = size.ws_col;
    }
    const char* const terminal = world.variable("TERM");
    const bool is_dumb = !is_set(terminal) || std::string_view(terminal) == "dumb";
    style.utf8 = is_utf8_locale(world);
    style.colours = is_terminal && !is_dumb && !is_set(world.variable("NO_COLOR"));
    return style;
}

std::uint64_t regions_for(const MapStyle& style) {
    return std::uint64_t{cells_in_row(style)} * rows;
}

std::string map_text(const RegionMap& map, const MapStyle& style) {
    const unsigned cells = cells_in_row(style);
    const std::uint64_t region_bytes = map.windows_per_region * window_bytes;
    std::string text =
        fmt::format("1 character is {} of the logical device\n", human_bytes(region_bytes));
    std::array<std::uint64_t, looks.size()> counts{};
    for (std::size_t first = 0; first < map.regions.size(); first += cells) {
        text += fmt::format("{:>{}} ", human_bytes(first * region_bytes), label_columns - 1);
        const std::size_t end = std::min<std::size_t>(first + cells, map.regions.size());
        // Characters of one colour stand in one sequence.
        for (std::size_t i = first; i < end;) {
            const Kind kind = kind_of(map.regions[i]);
            std::string run;
            for (; i < end && kind_of(map.regions[i]) == kind; ++i) {
                run += sign_of(kind, style);
                ++counts[kind];
            }
            text += coloured(kind, run, style);
        }
        text += '\n';
    }
    for (std::size_t i = 0; i < looks.size(); ++i) {
        const auto kind = static_cast<Kind>(i);
        if (counts[i] == 0) continue;
        text += fmt::format("{} {:>8}  {}\n", coloured(kind, sign_of(kind, style), style),
                            counts[i], looks[i].meaning);
    }
    return text;
}

}  // namespace insitu::apps
