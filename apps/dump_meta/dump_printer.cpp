// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump_meta/dump_printer.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <charconv>

#include "common/map_sum.hpp"
#include "common/printable.hpp"
#include "common/sizes.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/image/create.hpp"

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
        printable(image.store().name()), super.magic, super.version, to_string(image.algorithm()),
        image.store().size_bytes(), geometry.meta_blocks(), geometry.data_blocks(),
        geometry.data_at_byte());
}

Json head_json(const Image& image, const std::string& range) {
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
    if (!range.empty()) head["range"] = range;
    return head;
}

}  // namespace

void DumpPrinter::begin() {
    if (begun_) return;
    begun_ = true;
    if (!json_) return tool_.print(head_text(image_));
    const std::string text = json_text(head_json(image_, range_));
    tool_.print(text.substr(0, text.size() - 1) + ",\"extents\":[");
}

void DumpPrinter::extent(const DumpedExtent& dumped) {
    begin();
    ++extents_;
    blocks_ += dumped.extent.blocks;
    if (!dumped.damage.empty()) {
        ++damaged_extents_;
        damaged_blocks_ += dumped.extent.blocks;
    }
    if (json_) {
        print_element(dumped);
    } else {
        print_line(dumped);
    }
    constexpr std::size_t flush_bytes = std::size_t{1} << 16;
    if (pending_.size() >= flush_bytes) flush();
}

void DumpPrinter::unsound_window(WindowIndex window,
                                 std::span<const std::byte, window_meta_bytes> meta) {
    begin();
    ++unsound_windows_;
    std::string hex;
    for (const std::byte byte : meta)
        hex += fmt::format("{:02x}", byte);
    if (!json_) return add(fmt::format("meta {} {}\n", window.value, hex));
    // They stand behind the extents.
    Json item;
    item["window"] = window.value;
    item["meta"] = hex;
    unsound_.add((unsound_windows_ > 1 ? "," : "") + item.dump());
}

// Beside hashes of content, sums of the meta take no time.
void DumpPrinter::print_names() {
    if (names_ == Names::nothing || unsound_windows_ != 0) return;
    if (const auto identity = read_identity(image_.store())) {
        tool_.print(fmt::format(",\"uuid\":\"{}\"", to_string(identity->uuid)));
    }
    tool_.print(fmt::format(",\"map_sha256\":\"{}\"", map_sum_of(image_)));
}

void DumpPrinter::end() {
    begin();
    flush();
    if (json_) {
        tool_.print("],\"unsound_windows\":[");
        unsound_.print(tool_);
        tool_.print("]");
        print_names();
        tool_.print("}\n");
    }
    if (tool_.common().verbose) {
        tool_.note(fmt::format("{}: {} listed, {}; meta without sense in {}; {:.2f} s",
                               image_.store().name(), counted(extents_, "extent"),
                               counted(blocks_, "mapped block"),
                               counted(unsound_windows_, "window"), tool_.seconds()));
    }
    if (damaged_extents_ == 0) return;
    tool_.complain(fmt::format("{}: {} without a hash, {}: its content cannot be had",
                               image_.store().name(), counted(damaged_extents_, "damaged extent"),
                               counted(damaged_blocks_, "block")));
}

void DumpPrinter::add(std::uint64_t number) {
    constexpr std::size_t most_digits = 20;
    std::array<char, most_digits> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    pending_.append(digits.data(), end);
}

void DumpPrinter::flush() {
    tool_.print(pending_);
    pending_.clear();
}

void DumpPrinter::print_line(const DumpedExtent& dumped) {
    const StoredExtent& extent = dumped.extent;
    add(extent.first.value);
    add(" ");
    add(extent.blocks);
    add(" ");
    add(extent.payload_sectors);
    add(" ");
    add(kind(extent));
    if (dumped.length_bytes) {
        add(" ");
        add(*dumped.length_bytes);
    }
    if (!dumped.hash.empty()) add(" " + dumped.hash);
    if (!dumped.fault.empty()) add(" # " + dumped.fault);
    if (!dumped.damage.empty() && dumped.damage != dumped.fault) add(" # " + dumped.damage);
    add("\n");
}

// As the JSON library would print it: images have millions of these, and numbers need no care.
void DumpPrinter::print_element(const DumpedExtent& dumped) {
    const StoredExtent& extent = dumped.extent;
    add(first_ ? "\n{\"first_block\":" : ",\n{\"first_block\":");
    first_ = false;
    add(extent.first.value);
    add(",\"blocks\":");
    add(extent.blocks);
    add(",\"payload_sectors\":");
    add(extent.payload_sectors);
    add(",\"kind\":\"");
    add(kind(extent));
    add("\"");
    if (dumped.length_bytes) {
        add(",\"length_bytes\":");
        add(*dumped.length_bytes);
    }
    if (!dumped.hash.empty()) add(",\"xxh3_128\":\"" + dumped.hash + "\"");
    if (!dumped.damage.empty()) add(",\"damage\":" + json_text(dumped.damage));
    if (!dumped.fault.empty()) add(",\"fault\":" + json_text(dumped.fault));
    add("}");
}

}  // namespace insitu::apps
