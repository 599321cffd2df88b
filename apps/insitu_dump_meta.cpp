#include "insitu/ops/dump.hpp"

#include <fmt/format.h>

#include "common/image_input.hpp"
#include "common/tool.hpp"
#include "insitu/error.hpp"
#include "insitu/image/target.hpp"

using namespace insitu;
using namespace insitu::apps;

namespace {

struct Options {
    ImageInputOptions image;
    std::string range;
    std::string binary;
    bool hash = false;
    bool meta_only = false;
};

// Extents as lines, or as the elements of a JSON array: written as they come.
class Printer final : public DumpSink {
  public:
    explicit Printer(const Tool& tool) : tool_(tool), json_(tool.common().json) {}

    void begin(const Image& image) {
        const SuperBlock& super = image.super();
        const Geometry& geometry = image.geometry();
        if (!json_) {
            tool_.print(fmt::format(
                "# insitu-dump-meta/1 {}\n# magic {:#018x} version {} algorithm {}\n"
                "# device_bytes {} meta_blocks {} data_blocks {} data_at_byte {}\n"
                "# first_block blocks payload_sectors kind length_bytes [hash]\n",
                image.store().name(), super.magic, super.version, to_string(image.algorithm()),
                image.store().size_bytes(), geometry.meta_blocks(), geometry.data_blocks(),
                geometry.data_at_byte()));
            return;
        }
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
        const std::string text = head.dump();
        tool_.print(text.substr(0, text.size() - 1) + ",\"extents\":[");
    }

    void extent(const DumpedExtent& dumped) override {
        const StoredExtent& extent = dumped.extent;
        if (json_) return print_json(dumped);
        std::string line = fmt::format("{} {} {} {}", extent.first.value, extent.blocks,
                                       extent.payload_sectors, kind(extent));
        if (dumped.length_bytes) line += fmt::format(" {}", *dumped.length_bytes);
        if (!dumped.hash.empty()) line += " " + dumped.hash;
        if (!dumped.damage.empty()) line += " # " + dumped.damage;
        if (extent.fault != ExtentFault::none) {
            line += fmt::format(" # {}", describe(extent.fault));
        }
        tool_.print(line + "\n");
    }

    void unsound_window(WindowIndex window,
                        std::span<const std::byte, window_meta_bytes> meta) override {
        std::string hex;
        for (const std::byte byte : meta)
            hex += fmt::format("{:02x}", byte);
        if (!json_) {
            tool_.print(fmt::format("meta {} {}\n", window.value, hex));
            return;
        }
        // Few: they stand behind the extents.
        Json item;
        item["window"] = window.value;
        item["meta"] = hex;
        unsound_ += (unsound_.empty() ? "" : ",") + item.dump();
    }

    void end() {
        if (json_) tool_.print("],\"unsound_windows\":[" + unsound_ + "]}\n");
    }

  private:
    static const char* kind(const StoredExtent& extent) {
        if (extent.payload_sectors == 0) return "hole";
        return extent.raw() ? "raw" : "comp";
    }

    void print_json(const DumpedExtent& dumped) {
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

    const Tool& tool_;
    bool json_;
    bool first_ = true;
    std::string unsound_;
};

DumpOptions dump_options(const Options& options) {
    DumpOptions result;
    if (options.hash) result.payloads = DumpOptions::Payloads::hashes;
    if (options.meta_only) result.payloads = DumpOptions::Payloads::ignore;
    if (options.range.empty()) return result;
    std::uint64_t first = 0;
    std::uint64_t end = 0;
    char rest = 0;
    const int found = std::sscanf(options.range.c_str(), "%lu-%lu%c", &first, &end, &rest);
    if (found != 2 || end < first) {
        throw CLI::ValidationError("--range", fmt::format("'{}' is no range of blocks, such as "
                                                          "0-31",
                                                          options.range));
    }
    result.first = {first};
    result.end = BlockIndex{end + 1};
    return result;
}

void write_binary(const Options& options, const Image& image) {
    const Geometry& geometry = image.geometry();
    Target target(options.binary, TargetKind::raw, geometry.meta_bytes(),
                  Target::Overwrite::refuse);
    AlignedBuffer buffer(group_meta_bytes);
    for (std::uint64_t at = 0; at < geometry.meta_bytes(); at += buffer.size()) {
        const std::uint64_t length =
            std::min<std::uint64_t>(buffer.size(), geometry.meta_bytes() - at);
        image.store().read_at(geometry.meta_at_byte() + at, buffer.first(length));
        target.store().write_at(at, buffer.view().first(length));
    }
    target.commit();
}

int dump_tool(Tool& tool, const Options& options) {
    const DumpOptions wanted = dump_options(options);
    const ImageInput input(tool, options.image);
    if (!options.binary.empty()) {
        write_binary(options, input.image());
        return exit_done;
    }
    Printer printer(tool);
    printer.begin(input.image());
    dump(input.image(), wanted, printer, tool.control());
    printer.end();
    return exit_done;
}

}  // namespace

int main(int argc, char** argv) {
    Tool tool("insitu-dump-meta", "Print the super block, the geometry and every extent");
    Options options;
    CLI::App& cli = tool.cli();
    add_image_options(tool, options.image);
    cli.add_option("--range", options.range, "Only extents that start in these blocks")
        ->type_name("FIRST-LAST");
    auto* hash = cli.add_flag("--hash", options.hash,
                              "Decode each extent and print the XXH3-128 of its content");
    cli.add_flag("--meta-only", options.meta_only, "Read no payload: no lengths")->excludes(hash);
    cli.add_option("--binary", options.binary, "Write the meta area as it is to this file")
        ->type_name("FILE");
    tool.add_json_option();
    return tool.run(argc, argv, [&] { return dump_tool(tool, options); });
}
