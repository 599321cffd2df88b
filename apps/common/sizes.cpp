// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/sizes.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <charconv>
#include <string_view>

namespace insitu::apps {

namespace {

constexpr std::string_view unit_letters = "KMGTPE";
constexpr unsigned bits_per_unit = 10;

}  // namespace

std::uint64_t parse_size(const std::string& text, const std::string& option) {
    const auto wrong = [&](const char* why) {
        return CLI::ValidationError(
            option, fmt::format("'{}' {} (a size is 4096, 64K, 1M, 2G or 1T)", text, why));
    };
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, status] = std::from_chars(text.data(), end, value);
    if (status == std::errc::result_out_of_range) throw wrong("is too large");
    if (status != std::errc{}) throw wrong("is not a size");
    std::string_view unit(rest, static_cast<std::size_t>(end - rest));
    unsigned shift = 0;
    if (!unit.empty()) {
        const auto letter = static_cast<char>(std::toupper(static_cast<unsigned char>(unit[0])));
        const std::size_t index = unit_letters.find(letter);
        if (index != std::string_view::npos) {
            shift = bits_per_unit * static_cast<unsigned>(index + 1);
            unit.remove_prefix(1);
            if (unit == "iB" || unit == "ib") unit = {};
        }
        if (!unit.empty()) throw wrong("is not a size");
    }
    if (shift != 0 && value > (UINT64_MAX >> shift)) throw wrong("is too large");
    return value << shift;
}

std::uint64_t parse_content_size(const std::string& text, const std::string& option) {
    const std::uint64_t bytes = parse_size(text, option);
    if (bytes != 0) return bytes;
    throw CLI::ValidationError(option, fmt::format("'{}' is too small: an image needs at least one "
                                                   "block of content",
                                                   text));
}

std::string human_bytes(std::uint64_t bytes) {
    constexpr double step = 1024;
    if (bytes < 1024) return fmt::format("{} B", bytes);
    double value = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (value /= step; value >= step && unit + 1 < unit_letters.size(); ++unit)
        value /= step;
    return fmt::format("{:.1f} {}iB", value, unit_letters[unit]);
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
    if (whole == 0) return "-";
    return fmt::format("{:.1f} %", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

}  // namespace insitu::apps
