// SPDX-License-Identifier: GPL-2.0-or-later
// insitu-detach, and umount.insitu, which umount(8) calls for what insitu-attach has mounted. Both
// look into the RunDirectory.
#include "attach/attach_arguments.hpp"

#include <CLI/CLI.hpp>
#include "attach/detach_run.hpp"
#include "common/choices.hpp"
#include "common/tool.hpp"
#include "tools.hpp"

using namespace insitu;
using namespace insitu::apps;

namespace {

int detach_main(World world, int argc, char** argv) {
    Tool tool(std::move(world), "insitu-detach",
              "Unmount an attached image, make it durable and end its server");
    DetachArguments arguments;
    std::string config;
    CLI::App& cli = tool.cli();
    cli.add_option("NAME", arguments.name, "The image, its device, or where it is mounted")
        ->check(file_name());
    cli.add_flag("--force", arguments.force, "Give up what cannot be written to the image");
    cli.add_option("--config", config, "The image of /etc/insitu/NAME.conf, if it is attached")
        ->type_name("NAME")
        ->check(file_name());
    return tool.run(argc, argv, [&] {
        if (!config.empty()) {
            arguments.name = read_config(config).image;
            arguments.accept_missing = true;
        }
        if (arguments.name.empty()) throw CLI::RequiredError("NAME");
        return detach_image(tool, arguments);
    });
}

int unmount_main(World world, int argc, char** argv) {
    Tool tool(std::move(world), "umount.insitu", "Unmount a compressed image; umount calls this");
    std::string directory;
    bool lazy = false;
    bool ignored = false;
    std::string ignored_text;
    CLI::App& cli = tool.cli();
    cli.add_option("DIRECTORY", directory, "Where it is mounted")->required();
    cli.add_flag("-l,--lazy", lazy, "Unmount it when nobody uses it any more");
    cli.add_flag("-f,-n,-r", ignored, "For umount(8): without effect");
    cli.add_option("-t,-N", ignored_text, "For umount(8): without effect")->type_name("TEXT");
    return tool.run(argc, argv, [&] { return unmount_directory(tool, directory, lazy); });
}

}  // namespace

int insitu::apps::run_detach(World world, int argc, char** argv) {
    const std::string_view name = argc > 0 ? argv[0] : "";
    if (name.ends_with("umount.insitu")) return unmount_main(std::move(world), argc, argv);
    return detach_main(std::move(world), argc, argv);
}
