// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace insitu::apps {

// Of a table of formats, rows with a `name` for --from and the `container` that its magic is known
// as (container.hpp).

template <class Table>
std::vector<std::string> names_of_formats(const Table& table) {
    std::vector<std::string> names;
    names.reserve(table.size());
    for (const auto& row : table)
        names.emplace_back(row.name);
    return names;
}

// The name of the format of a container; none: the table does not have it.
template <class Table>
std::optional<std::string> format_of_container(const Table& table, const std::string& container) {
    for (const auto& row : table) {
        if (container == row.container) return row.name;
    }
    return std::nullopt;
}

}  // namespace insitu::apps
