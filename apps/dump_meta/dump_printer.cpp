#include "dump_meta/dump_printer.hpp"

#include <fmt/format.h>

#include "insitu/error.hpp"

namespace insitu::apps {

namespace {

const char* kind(const StoredExtent& extent) {
    if (extent.payload_sectors == 0) return "hole";
    return extent.raw() ? "raw" : "comp";
}

std::string head_text(const Image& image) {
    const SuperBlock& super = image.super();
    const Geometry& geometry = image.geometry();
    return fmt::format(
        "# insitu-dump-meta/1 {}\n# magic {:#018x} version {} algorithm {}\n"
        "# device_bytes {} meta_blocks {} data_blocks {} data_at_byte {}\n"
        "# first_block blocks payload_sectors kind length_bytes [hash]\n",
        image.store().name(), super.magic, super.version, to_string(image.algorithm()),
        image.store().size_bytes(), geometry.meta_blocks(), geometry.data_blocks(),
        geometry.data_at_byte());
}

Json head_json(const Image& image) {
    const SuperBlock& super = image.super();
    const Geometry& geometry = image.geometry();
    Json head;
    head["schema"] = "insitu-dump-meta/1";
    head["image"] = image.store().name();
    head["magic"] = fmt::format("{:#018x}", super.magic);
    head["version"] = super.version;
    head["algorithm"] = to_string(image.algorithm());
    head["device_bytes"] = image.store().size_bytes();
    head["meta_blocks"] = geometry.meta_blocks();
    head["data_blocks"] = geometry.data_blocks();
    head["data_at_byte"] = geometry.data_at_byte();
    return head;
}

}  // namespace

void DumpPrinter::begin() {
    if (begun_) return;
    begun_ = true;
    if (!json_) return tool_.print(head_text(image_));
    const std::string text = head_json(image_).dump();
    tool_.print(text.substr(0, text.size() - 1) + ",\"extents\":[");
}

void DumpPrinter::extent(const DumpedExtent& dumped) {
    begin();
    if (json_) {
        print_element(dumped);
    } else {
        print_line(dumped);
    }
}

void DumpPrinter::unsound_window(WindowIndex window,
                                 std::span<const std::byte, window_meta_bytes> meta) {
    begin();
    std::string hex;
    for (const std::byte byte : meta)
        hex += fmt::format("{:02x}", byte);
    if (!json_) return tool_.print(fmt::format("meta {} {}\n", window.value, hex));
    // They stand behind the extents.
    Json item;
    item["window"] = window.value;
    item["meta"] = hex;
    unsound_.add((first_unsound_ ? "" : ",") + item.dump());
    first_unsound_ = false;
}

void DumpPrinter::end() {
    begin();
    if (!json_) return;
    tool_.print("],\"unsound_windows\":[");
    unsound_.print(tool_);
    tool_.print("]}\n");
}

void DumpPrinter::print_line(const DumpedExtent& dumped) {
    const StoredExtent& extent = dumped.extent;
    std::string line = fmt::format("{} {} {} {}", extent.first.value, extent.blocks,
                                   extent.payload_sectors, kind(extent));
    if (dumped.length_bytes) line += fmt::format(" {}", *dumped.length_bytes);
    if (!dumped.hash.empty()) line += " " + dumped.hash;
    if (!dumped.damage.empty()) line += " # " + dumped.damage;
    if (extent.fault != ExtentFault::none) line += fmt::format(" # {}", describe(extent.fault));
    tool_.print(line + "\n");
}

void DumpPrinter::print_element(const DumpedExtent& dumped) {
    const StoredExtent& extent = dumped.extent;
    Json item;
    item["first_block"] = extent.first.value;
    item["blocks"] = extent.blocks;
    item["payload_sectors"] = extent.payload_sectors;
    item["kind"] = kind(extent);
    if (dumped.length_bytes) item["length_bytes"] = *dumped.length_bytes;
    if (!dumped.hash.empty()) item["xxh3_128"] = dumped.hash;
    if (!dumped.damage.empty()) item["damage"] = dumped.damage;
    if (extent.fault != ExtentFault::none) item["fault"] = describe(extent.fault);
    tool_.print((first_ ? "\n" : ",\n") + item.dump());
    first_ = false;
}

}  // namespace insitu::apps
