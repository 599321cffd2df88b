// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/tree_model.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

namespace insitu::apps {

namespace {

// The slash sorts before every other byte.
int rank(char letter) noexcept {
    return letter == '/' ? -1 : static_cast<unsigned char>(letter);
}

// How many bytes the UTF-8 sequence at `text[at]` has; 0: it is none, or a control character.
std::size_t printable_length(const std::string& text, std::size_t at) {
    const auto byte = [&](std::size_t i) {
        return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
    };
    const unsigned first = byte(0);
    if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
    if (length == 0 || first > 0xf4) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0U) != 0x80U) return 0;
    }
    // Overlong forms, surrogates, what lies beyond Unicode, and the control characters of C1.
    const unsigned second = byte(1);
    const bool wrong = (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
                       (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f) ||
                       (first == 0xc2 && second < 0xa0);
    return wrong ? 0 : length;
}

}  // namespace

bool Entry::is(mode_t kind) const noexcept {
    return (mode & S_IFMT) == kind;
}

bool path_before(const std::string& a, const std::string& b) noexcept {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                        [](char x, char y) { return rank(x) < rank(y); });
}

std::string parent_path(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

std::vector<std::size_t> parents_of(const Tree& tree) {
    std::vector<std::size_t> parents(tree.entries.size(), 0);
    std::vector<std::size_t> open;  // the directories on the way to the entry
    for (std::size_t i = 0; i < tree.entries.size(); ++i) {
        const std::string& path = tree.entries[i].path;
        const auto holds = [&](const std::string& directory) {
            return directory.empty() ||
                   (path.size() > directory.size() && path.starts_with(directory) &&
                    path[directory.size()] == '/');
        };
        while (!open.empty() && !holds(tree.entries[open.back()].path))
            open.pop_back();
        parents[i] = open.empty() ? 0 : open.back();
        if (tree.entries[i].is(S_IFDIR)) open.push_back(i);
    }
    return parents;
}

std::vector<std::vector<std::size_t>> children_of(const Tree& tree) {
    std::vector<std::vector<std::size_t>> children(tree.entries.size());
    const std::vector<std::size_t> parents = parents_of(tree);
    for (std::size_t i = 1; i < tree.entries.size(); ++i)
        children[parents[i]].push_back(i);
    return children;
}

std::string printable(const std::string& path) {
    std::string text;
    for (std::size_t at = 0; at < path.size();) {
        const std::size_t length = printable_length(path, at);
        if (length == 0) {
            text += fmt::format("\\x{:02x}", static_cast<unsigned char>(path[at++]));
        } else {
            text.append(path, at, length);
            at += length;
        }
    }
    return text;
}

}  // namespace insitu::apps
