// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/sizes.hpp"

namespace insitu::apps {

void add_totals(Json& document, const Geometry& geometry, const ExtentTotals& totals) {
    const std::uint64_t mapped_bytes = totals.mapped_blocks * block_bytes;
    const std::uint64_t payload_bytes = totals.payload_sectors * sector_bytes;
    document["logical_bytes"] = geometry.logical_bytes();
    document["mapped_bytes"] = mapped_bytes;
    document["unmapped_bytes"] = geometry.logical_bytes() - mapped_bytes;
    document["payload_bytes"] = payload_bytes;
    document["payload_sectors"] = totals.payload_sectors;
    document["meta_bytes"] = geometry.meta_bytes();
    document["hole_bytes"] = mapped_bytes - payload_bytes;
    // What a host with blocks of 4 KiB has to keep, and what punching can free there.
    document["host_occupied_bytes"] = totals.host_blocks * block_bytes;
    document["host_hole_bytes"] = mapped_bytes - totals.host_blocks * block_bytes;
    document["ratio"] =
        mapped_bytes == 0 ? 0.0
                          : static_cast<double>(payload_bytes) / static_cast<double>(mapped_bytes);
    document["compressed_extents"] = totals.compressed_extents;
    document["raw_extents"] = totals.raw_extents;
    document["mean_read_bytes"] = totals.mean_read_bytes();
}

std::string totals_text(const Geometry& geometry, const ExtentTotals& totals) {
    const std::uint64_t mapped_bytes = totals.mapped_blocks * block_bytes;
    const std::uint64_t payload_bytes = totals.payload_sectors * sector_bytes;
    const std::uint64_t host_bytes = totals.host_blocks * block_bytes;
    std::string text;
    const auto line = [&text](const char* name, const std::string& value) {
        text += fmt::format("{:<12}{}\n", name, value);
    };
    line("logical", fmt::format("{} ({})", human_bytes(geometry.logical_bytes()),
                                counted(geometry.data_blocks(), "block")));
    line("mapped", fmt::format("{} ({} of logical)", human_bytes(mapped_bytes),
                               percent(mapped_bytes, geometry.logical_bytes())));
    line("payload", fmt::format("{} ({} of mapped)", human_bytes(payload_bytes),
                                percent(payload_bytes, mapped_bytes)));
    line("occupied", fmt::format("{} on a host with 4 KiB blocks ({} of mapped)",
                                 human_bytes(host_bytes), percent(host_bytes, mapped_bytes)));
    line("holes", fmt::format("{}, of which {} are whole 4 KiB blocks that punching can free",
                              human_bytes(mapped_bytes - payload_bytes),
                              human_bytes(mapped_bytes - host_bytes)));
    line("meta", human_bytes(geometry.meta_bytes()));
    line("extents",
         fmt::format("{} compressed, {} raw", totals.compressed_extents, totals.raw_extents));
    line("mean read",
         fmt::format("{} for a random 4 KiB",
                     human_bytes(static_cast<std::uint64_t>(totals.mean_read_bytes()))));
    return text;
}

std::string layout_text(const Geometry& geometry) {
    return fmt::format("{:<12}1 super block, {}, {}; data from byte {} on\n", "layout",
                       counted(geometry.meta_blocks(), "meta block"),
                       counted(geometry.data_blocks(), "data block"), geometry.data_at_byte());
}

}  // namespace insitu::apps
