// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/sparse_units.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "insitu/units.hpp"

namespace insitu::apps {

std::vector<std::uint64_t> data_units(const Entry& entry) {
    std::vector<std::uint64_t> units;
    for (const DataRange& range : entry.data) {
        if (range.length_bytes == 0) continue;
        const std::uint64_t last = (range.at_byte + range.length_bytes - 1) / sparse_unit_bytes;
        std::uint64_t unit = range.at_byte / sparse_unit_bytes;
        if (!units.empty()) unit = std::max(unit, units.back() + 1);
        for (; unit <= last; ++unit)
            units.push_back(unit);
    }
    constexpr std::uint64_t largest_sector = 65536;
    const bool is_small =
        units.size() == 1 && units[0] > 0 && squeezed_bytes(entry, units) < largest_sector;
    if (is_small) units.insert(units.begin(), units[0] - 1);
    return units;
}

std::uint64_t squeezed_bytes(const Entry& entry, const std::vector<std::uint64_t>& units) {
    if (units.empty()) return 0;
    const std::uint64_t last_begin = units.back() * sparse_unit_bytes;
    return (units.size() - 1) * sparse_unit_bytes +
           std::min(sparse_unit_bytes, entry.size_bytes - last_begin);
}

bool has_empty_unit(const Entry& entry) {
    return entry.is(S_IFREG) && entry.size_bytes > sparse_unit_bytes &&
           data_units(entry).size() < ceil_div(entry.size_bytes, sparse_unit_bytes);
}

}  // namespace insitu::apps
