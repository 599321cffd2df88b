// SPDX-License-Identifier: GPL-2.0-or-later
#include "stat/stat_report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/identity_options.hpp"
#include "common/report.hpp"
#include "common/sizes.hpp"
#include "insitu/internal/image/create.hpp"

namespace insitu::apps {

namespace {

Json histogram(std::span<const std::uint64_t> counts, const char* unit) {
    Json list = Json::array();
    for (std::size_t i = 1; i <= counts.size(); ++i) {
        // Index 0 counts what is larger than the rest.
        const std::size_t index = i < counts.size() ? i : 0;
        if (counts[index] == 0) continue;
        Json item;
        if (index != 0) item[unit] = index;
        if (index == 0) item[std::string("more_than_") + unit] = counts.size() - 1;
        item["extents"] = counts[index];
        list.push_back(std::move(item));
    }
    return list;
}

std::string histogram_text(const char* title, std::span<const std::uint64_t> counts,
                           std::size_t step) {
    constexpr std::size_t widest = 40;
    std::uint64_t highest = 0;
    std::vector<std::pair<std::string, std::uint64_t>> rows;
    for (std::size_t low = 1; low < counts.size(); low += step) {
        const std::size_t high = std::min(low + step, counts.size());
        std::uint64_t sum = 0;
        for (std::size_t i = low; i < high; ++i)
            sum += counts[i];
        if (sum == 0) continue;
        rows.emplace_back(step == 1 ? fmt::format("{}", low) : fmt::format("{}-{}", low, high - 1),
                          sum);
        highest = std::max(highest, sum);
    }
    if (counts[0] != 0) rows.emplace_back("more", counts[0]);
    if (rows.empty()) return {};
    std::string text = fmt::format("\n{}\n", title);
    for (const auto& [name, count] : rows) {
        const auto cells = static_cast<std::size_t>(std::min(count, highest) * widest / highest);
        text += fmt::format("{:>9} {:>10} {}\n", name, count, std::string(cells, '#'));
    }
    return text;
}

std::string seals_text(const SealCoverage& seals) {
    std::string text = fmt::format("{} of {}", seals.sealed_extents,
                                   counted(seals.compressed_extents, "compressed extent"));
    if (seals.unreadable_extents != 0) {
        text += fmt::format(", {} unreadable", seals.unreadable_extents);
    }
    return text;
}

std::string stat_text(const ImageInput& input, const ImageStat& stat,
                      const std::optional<SealCoverage>& seals, bool verbose) {
    const Geometry& geometry = input.image().geometry();
    std::string text;
    const auto line = [&text](const char* name, const std::string& value) {
        text += fmt::format("{:<12}{}\n", name, value);
    };
    if (const auto identity = read_identity(input.store())) {
        line("name", identity_text(*identity));
    }
    line("algorithm", to_string(input.image().algorithm()));
    line("device", fmt::format("{} ({} bytes)", human_bytes(geometry.device_bytes()),
                               geometry.device_bytes()));
    text += totals_text(geometry, stat.extents);
    if (const auto allocated = input.store().allocated_bytes()) {
        line("allocated", human_bytes(*allocated));
    }
    if (seals) line("sealed", seals_text(*seals));
    if (stat.crossing_extents != 0) {
        line("note", counted(stat.crossing_extents, "extent") + " over window borders");
    }
    if (const auto pending = input.pending_windows()) {
        line("pending", fmt::format("a commit of {}, which the driver does not know: {}",
                                    counted(*pending, "window"), pending_hint));
    }
    if (stat.faulty_extents != 0) {
        line("damage",
             fmt::format("meta makes no sense: {}, {}", counted(stat.faulty_extents, "extent"),
                         counted(stat.faulty_blocks, "block")));
    }
    if (verbose) text += layout_text(geometry);
    const std::size_t sectors_a_row = verbose ? 1 : 16;
    text += histogram_text("extents by blocks", stat.extents_by_blocks, 1);
    text += histogram_text("extents by payload sectors", stat.extents_by_sectors, sectors_a_row);
    return text;
}

}  // namespace

Json stat_json(const ImageInput& input, const ImageStat& stat,
               const std::optional<SealCoverage>& seals) {
    const Geometry& geometry = input.image().geometry();
    const auto allocated = input.store().allocated_bytes();
    Json document;
    document["image"] = input.store().name();
    add_identity(document, read_identity(input.store()));
    document["algorithm"] = to_string(input.image().algorithm());
    document["device_bytes"] = geometry.device_bytes();
    document["meta_blocks"] = geometry.meta_blocks();
    document["data_blocks"] = geometry.data_blocks();
    add_totals(document, geometry, stat.extents);
    document["allocated_bytes"] = allocated ? Json(*allocated) : Json(nullptr);
    const auto pending = input.pending_windows();
    document["pending_intent"] = pending ? Json{{"windows", *pending}} : Json(nullptr);
    if (seals) {
        document["seals"] = Json{{"compressed_extents", seals->compressed_extents},
                                 {"sealed_extents", seals->sealed_extents},
                                 {"unreadable_extents", seals->unreadable_extents}};
    }
    document["crossing_extents"] = stat.crossing_extents;
    document["faulty_extents"] = stat.faulty_extents;
    document["faulty_blocks"] = stat.faulty_blocks;
    document["extents_by_length"] = histogram(stat.extents_by_blocks, "blocks");
    document["extents_by_payload"] = histogram(stat.extents_by_sectors, "payload_sectors");
    return document;
}

void print_stat(const Tool& tool, const ImageInput& input, const ImageStat& stat,
                const std::optional<SealCoverage>& seals) {
    if (tool.common().json) {
        tool.print_json(stat_json(input, stat, seals));
    } else if (!tool.common().quiet) {
        tool.print_report(stat_text(input, stat, seals, tool.common().verbose));
    }
}

}  // namespace insitu::apps
