// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/uuid.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include "common/sha256.hpp"

namespace insitu::apps {

std::string derive_uuid(const Tree& tree, const std::string& type, std::int64_t epoch) {
    Sha256 sha256;
    const auto add = [&](const std::string& text) {
        sha256.add(std::as_bytes(std::span(text.c_str(), text.size() + 1)));
    };
    for (const Entry& entry : tree.entries) {
        if (entry.path.empty()) continue;
        add(entry.path);
        add(fmt::format("{:o} {}", entry.mode, entry.size_bytes));
        if (entry.is(S_IFLNK)) add(entry.link_target);
    }
    add(type);
    add(fmt::format("{}", epoch));
    std::string digits = sha256.hex_digits();
    constexpr std::size_t version_digit = 12;
    constexpr std::size_t variant_digit = 16;
    digits[version_digit] = '8';
    digits[variant_digit] = 'a';
    return fmt::format("{}-{}-{}-{}-{}", digits.substr(0, 8), digits.substr(8, 4),
                       digits.substr(12, 4), digits.substr(16, 4), digits.substr(20, 12));
}

}  // namespace insitu::apps
