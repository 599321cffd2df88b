// SPDX-License-Identifier: GPL-2.0-or-later
#include "trim/unused_list.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <fstream>
#include <optional>
#include <string_view>

#include "common/printable.hpp"
#include "insitu/error.hpp"

namespace insitu::apps {

namespace {

constexpr std::string_view blanks = " \t\r";

std::string_view next_word(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    const std::string_view word = text.substr(0, text.find_first_of(blanks));
    text.remove_prefix(word.size());
    return word;
}

std::optional<std::uint64_t> number_in(std::string_view word) {
    std::uint64_t value = 0;
    const char* const end = word.data() + word.size();
    const auto [rest, status] = std::from_chars(word.data(), end, value);
    if (status != std::errc{} || rest != end) return std::nullopt;
    return value;
}

}  // namespace

std::vector<ByteRange> read_unused_list(const std::string& path, std::uint64_t size_bytes) {
    std::ifstream file(path);
    if (!file) throw io_error({.file = path}, "cannot open", errno != 0 ? errno : EIO);
    std::vector<ByteRange> ranges;
    std::string line;
    for (std::uint64_t number = 1; std::getline(file, line); ++number) {
        std::string_view rest = std::string_view(line).substr(0, line.find('#'));
        const std::string_view start = next_word(rest);
        if (start.empty()) continue;
        const auto at = number_in(start);
        const auto length = number_in(next_word(rest));
        const auto refuse = [&](const std::string& text) {
            throw Error(ErrorKind::refused, {.file = path},
                        fmt::format("line {}: {}", number, text));
        };
        if (!at || !length || !next_word(rest).empty()) {
            refuse(
                fmt::format("expected a start and a length in bytes, got '{}'", printable(line)));
        }
        if (*at > size_bytes || *length > size_bytes - *at) {
            refuse(fmt::format("{} bytes at {} reach beyond the end of the image at {}", *length,
                               *at, size_bytes));
        }
        ranges.push_back({*at, *length});
    }
    if (file.bad()) throw io_error({.file = path}, "cannot read", EIO);
    return ranges;
}

}  // namespace insitu::apps
