// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/fat_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "insitu/error.hpp"

namespace insitu::apps {

namespace {

[[noreturn]] void refuse(const Entry& entry, const std::string& text) {
    throw Error(ErrorKind::refused, {.file = printable(entry.path)}, text,
                "rename it, leave it out with --exclude, or take another TYPE");
}

// Upper case as FAT compares: of ASCII, Latin-1, Greek and Cyrillic letters.
char16_t upper(char16_t unit) {
    const auto between = [unit](unsigned low, unsigned high) {
        return unit >= low && unit <= high;
    };
    if (between('a', 'z') || (between(0xe0, 0xfe) && unit != 0xf7) || between(0x3b1, 0x3c9)) {
        return unit == 0x3c2 ? unit : static_cast<char16_t>(unit - 0x20);
    }
    if (between(0x430, 0x44f)) return static_cast<char16_t>(unit - 0x20);
    if (between(0x450, 0x45f)) return static_cast<char16_t>(unit - 0x50);
    if (between(0x100, 0x137) || between(0x14a, 0x177)) return static_cast<char16_t>(unit & ~1U);
    return unit;
}

// One character of UTF-8 at `at`, which moves on; the name is known to be UTF-8.
char32_t next_character(const std::string& name, std::size_t& at) {
    const auto first = static_cast<unsigned char>(name[at++]);
    if (first < 0x80) return first;
    const int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    char32_t value = first & (0x3fU >> more);
    for (int i = 0; i < more; ++i)
        value = (value << 6) | (static_cast<unsigned char>(name[at++]) & 0x3fU);
    return value;
}

}  // namespace

std::u16string utf16_of(const Entry& entry) {
    const std::string name = entry.name();
    if (printable(name) != name) {
        refuse(entry,
               "has a control character, or bytes that are not UTF-8, in its name: "
               "FAT cannot hold it");
    }
    std::u16string units;
    constexpr char32_t first_pair = 0x10000;
    for (std::size_t at = 0; at < name.size();) {
        const char32_t character = next_character(name, at);
        if (character < first_pair) {
            units.push_back(static_cast<char16_t>(character));
        } else {
            units.push_back(static_cast<char16_t>(0xd800 + ((character - first_pair) >> 10)));
            units.push_back(static_cast<char16_t>(0xdc00 + ((character - first_pair) & 0x3ffU)));
        }
    }
    return units;
}

void check_fat_names(const Tree& tree) {
    const std::vector<std::size_t> parents = parents_of(tree);
    std::map<std::pair<std::size_t, std::u16string>, std::size_t> known;
    for (std::size_t i = 1; i < tree.entries.size(); ++i) {
        const Entry& entry = tree.entries[i];
        std::u16string units = utf16_of(entry);
        const std::string name = entry.name();
        const std::size_t wrong = name.find_first_of("\"*:<>?|\\");
        if (wrong != std::string::npos) {
            refuse(entry, fmt::format("has '{}' in its name: FAT cannot hold it", name[wrong]));
        }
        if (name.ends_with(' ') || name.ends_with('.')) {
            refuse(entry, "has a space or a dot at the end of its name: FAT cannot hold it");
        }
        constexpr std::size_t longest = 255;
        if (units.size() > longest) refuse(entry, "has a name of more than 255 units of UTF-16");
        std::transform(units.begin(), units.end(), units.begin(), upper);
        const auto [other, is_new] = known.emplace(std::pair(parents[i], units), i);
        if (is_new) continue;
        refuse(entry, fmt::format("is the same name for FAT as '{}'",
                                  printable(tree.entries[other->second].path)));
    }
}

}  // namespace insitu::apps
