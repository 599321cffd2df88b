#include "insitu/ops/stat.hpp"

#include <fmt/format.h>

#include "common/image_input.hpp"
#include "common/report.hpp"
#include "common/sizes.hpp"
#include "common/tool.hpp"
#include "insitu/error.hpp"
#include "insitu/ops/activation.hpp"
#include "insitu/store/open.hpp"

using namespace insitu;
using namespace insitu::apps;

namespace {

struct Options {
    ImageInputOptions image;
    bool table = false;
    bool writethrough = false;
    unsigned commit_delay_seconds = 5;
    std::string can_activate;
};

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

void print_stat(const Tool& tool, const ImageInput& input, const ImageStat& stat) {
    const Image& image = input.image();
    const Geometry& geometry = image.geometry();
    const auto allocated = input.store().allocated_bytes();
    if (tool.common().json) {
        Json document;
        document["image"] = input.store().name();
        document["algorithm"] = to_string(image.algorithm());
        document["device_bytes"] = geometry.device_bytes();
        document["meta_blocks"] = geometry.meta_blocks();
        document["data_blocks"] = geometry.data_blocks();
        add_totals(document, geometry, stat.extents);
        document["allocated_bytes"] = allocated ? Json(*allocated) : Json(nullptr);
        document["crossing_extents"] = stat.crossing_extents;
        document["faulty_extents"] = stat.faulty_extents;
        document["faulty_blocks"] = stat.faulty_blocks;
        document["extents_by_length"] = histogram(stat.extents_by_blocks, "blocks");
        document["extents_by_payload"] = histogram(stat.extents_by_sectors, "payload_sectors");
        return tool.print_json(document);
    }
    tool.print(fmt::format("{:<12}{}\n{:<12}{} ({} bytes)\n", "algorithm",
                           to_string(image.algorithm()), "device",
                           human_bytes(geometry.device_bytes()), geometry.device_bytes()));
    tool.print(totals_text(geometry, stat.extents));
    if (allocated) tool.print(fmt::format("{:<12}{}\n", "allocated", human_bytes(*allocated)));
    if (stat.crossing_extents != 0) {
        tool.print(
            fmt::format("{:<12}{} extents over window borders\n", "note", stat.crossing_extents));
    }
    if (stat.faulty_extents != 0) {
        tool.print(fmt::format("{:<12}{} extents ({} blocks) have meta that makes no sense\n",
                               "damage", stat.faulty_extents, stat.faulty_blocks));
    }
    constexpr std::size_t sectors_a_row = 16;
    tool.print(histogram_text("extents by blocks", stat.extents_by_blocks, 1));
    tool.print(
        histogram_text("extents by payload sectors", stat.extents_by_sectors, sectors_a_row));
}

// Reads what there is of an image, also one that Image::open() would not take.
int can_activate(Tool& tool, const Options& options) {
    const auto store = open_store(options.image.path, Access::read, tool.sharing());
    // The device may well be the image itself, or hold it.
    const auto device = open_store(options.can_activate, Access::read, Sharing::shared);
    const SuperBlock super = read_super_block(*store);
    const auto* block_device = dynamic_cast<const BlockDevice*>(device.get());
    const DeviceFacts facts{device->size_bytes(), block_device != nullptr
                                                      ? block_device->logical_sector_bytes()
                                                      : static_cast<unsigned>(sector_bytes)};
    ImageStat stat;
    const bool readable =
        !check_super_block(super, facts.size_bytes).has(SuperFault::counts_impossible);
    if (readable) stat = stat_image(Image(*store, super), tool.control());
    const auto problems = activation_problems(super, facts, readable ? &stat : nullptr);
    tool.end_progress();
    if (tool.common().json) {
        Json document;
        document["image"] = options.image.path;
        document["device"] = options.can_activate;
        document["can_activate"] = problems.empty();
        document["problems"] = problems;
        tool.print_json(document);
    } else if (!tool.common().quiet) {
        if (problems.empty()) {
            tool.print(fmt::format("{}: the driver opens {} on it\n", options.can_activate,
                                   options.image.path));
        }
        for (const std::string& problem : problems) {
            tool.print(fmt::format("{}: {}\n", options.can_activate, problem));
        }
    }
    return problems.empty() ? exit_done : exit_failed;
}

int stat_tool(Tool& tool, const Options& options) {
    if (!options.can_activate.empty()) return can_activate(tool, options);
    const ImageInput input(tool, options.image);
    if (options.table) {
        const MetaPolicy policy =
            options.writethrough ? MetaPolicy::writethrough : MetaPolicy::writeback;
        tool.print(table_line(input.image().geometry(), options.image.path, policy,
                              options.commit_delay_seconds) +
                   "\n");
        return exit_done;
    }
    const ImageStat stat = stat_image(input.image(), tool.control());
    tool.end_progress();
    print_stat(tool, input, stat);
    return exit_done;
}

}  // namespace

int main(int argc, char** argv) {
    Tool tool("insitu-stat", "Tell what an insitu-comp image holds, from its meta alone");
    Options options;
    CLI::App& cli = tool.cli();
    add_image_options(tool, options.image);
    cli.add_flag("--table", options.table, "Print the table line for dmsetup(8)");
    cli.add_flag("--writethrough", options.writethrough, "Table line for writethrough meta");
    cli.add_option("--commit-delay", options.commit_delay_seconds,
                   "Table line: seconds between writes of meta (default: 5)")
        ->type_name("SECONDS")
        ->check(CLI::Range(1U, 86400U));
    cli.add_option("--can-activate", options.can_activate,
                   "Tell whether the driver would open the image on this device; exit status 0 or "
                   "1")
        ->type_name("DEV");
    tool.add_json_option();
    tool.add_progress_option();
    return tool.run(argc, argv, [&] { return stat_tool(tool, options); });
}
