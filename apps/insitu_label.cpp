// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "common/choices.hpp"
#include "common/identity_options.hpp"
#include "common/image_input.hpp"
#include "common/tool.hpp"
#include "insitu/internal/face/name_image.hpp"
#include "insitu/open_store.hpp"
#include "tools.hpp"

using namespace insitu;
using namespace insitu::apps;

namespace {

struct Options {
    std::string path;
    std::optional<std::string> label;
    IdentityArguments identity;
};

void report(const Tool& tool, const Options& options, const std::optional<Identity>& identity) {
    if (tool.common().json) {
        Json document;
        document["image"] = options.path;
        add_identity(document, identity);
        return tool.print_json(document);
    }
    if (tool.common().quiet) return;
    tool.print_report(identity ? fmt::format("{:<12}{}\n{:<12}{}\n", "label", identity->label,
                                             "uuid", to_string(identity->uuid))
                               : fmt::format("{}: has no name\n", options.path));
}

int label_tool(Tool& tool, Options& options) {
    NameChange change;
    change.uuid = options.identity.parsed_uuid();
    if (options.label) {
        options.identity.label = *options.label;
        change.label = options.identity.checked_label();
    }
    const auto store = open_store(options.path, change.empty() ? Access::read : Access::read_write,
                                  tool.sharing());
    refuse_foreign_content(options.path, *store);
    const std::optional<Identity> identity = name_image(*store, change);
    report(tool, options, identity);
    return exit_done;
}

}  // namespace

int insitu::apps::run_label(World world, int argc, char** argv) {
    Tool tool(std::move(world), "insitu-label",
              "Print or change the label and UUID of an insitu-comp image");
    Options options;
    CLI::App& cli = tool.cli();
    cli.add_option("IMAGE", options.path, "Image file or block device")
        ->required()
        ->check(file_name());
    cli.add_option("LABEL", options.label,
                   "New label: at most 64 bytes of UTF-8, '' for none (default: print the name)")
        ->type_name(label_type);
    cli.add_option("--uuid", options.identity.uuid, "New UUID, or random")->type_name("UUID");
    tool.add_json_option();
    return tool.run(argc, argv, [&] { return label_tool(tool, options); });
}
