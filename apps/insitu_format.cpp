// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/codec_options.hpp"

#include <CLI/CLI.hpp>
#include "common/tool.hpp"
#include "format/format_run.hpp"
#include "tools.hpp"

using namespace insitu;
using namespace insitu::apps;

int insitu::apps::run_format(World world, int argc, char** argv) {
    Tool tool(std::move(world), "insitu-format",
              "Make an empty insitu-comp image: every block unmapped");
    FormatArguments arguments;
    CLI::App& cli = tool.cli();
    cli.add_option("TARGET", arguments.target, "File or block device")->required();
    cli.add_option("--size", arguments.size, "Create the file with this size")->type_name("SIZE");
    add_algorithm_option(cli, arguments.algorithm);
    add_identity_options(cli, arguments.identity,
                         "random, or made from the size if SOURCE_DATE_EPOCH is set");
    cli.add_flag("--force", arguments.force, "Overwrite what the target holds");
    cli.add_flag("--dry-run", arguments.dry_run, "Check everything, write nothing");
    tool.add_json_option();
    tool.add_progress_option();
    return tool.run(argc, argv, [&] { return format_target(tool, arguments); });
}
