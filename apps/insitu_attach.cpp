// SPDX-License-Identifier: GPL-2.0-or-later
// insitu-attach, and mount.insitu, which mount(8) calls for `mount -t insitu`.
#include "attach/attach_arguments.hpp"

#include <CLI/CLI.hpp>
#include "attach/attach_run.hpp"
#include "common/choices.hpp"
#include "common/tool.hpp"
#include "tools.hpp"

using namespace insitu;
using namespace insitu::apps;

namespace {

struct Options {
    AttachArguments arguments;
    std::string config;
    std::string list_of_options;
    std::vector<std::string> parameters;
    bool list = false;
    bool fake = false;
    bool ignored = false;
    std::string ignored_text;
};

CLI::Option* add_image(CLI::App& cli, AttachArguments& arguments) {
    return cli.add_option("IMAGE", arguments.image, "Image file or block device")
        ->check(file_name());
}

CLI::Option* add_directory(CLI::App& cli, AttachArguments& arguments) {
    return cli.add_option("MOUNTPOINT", arguments.mountpoint, "Directory to mount it on");
}

void add_option_list(CLI::App& cli, std::string& list) {
    cli.add_option("-o,--options", list,
                   "Mount options, as for mount(8), and fs=, partition=, insitu.KEY=")
        ->type_name("LIST");
}

int attach(Tool& tool, Options& options) {
    if (options.list) return list_attached(tool);
    AttachArguments& arguments = options.arguments;
    if (!options.config.empty()) {
        if (!arguments.image.empty())
            throw CLI::ValidationError("--config", "names the image; leave IMAGE out");
        arguments = read_config(options.config);
    }
    if (arguments.image.empty()) throw CLI::RequiredError("IMAGE");
    apply_options(arguments, options.list_of_options);
    for (const std::string& parameter : options.parameters)
        add_parameter(arguments, parameter);
    return attach_image(tool, arguments, Attached::refuse);
}

int attach_main(World world, int argc, char** argv) {
    Tool tool(std::move(world), "insitu-attach",
              "Make a compressed image a block device, and mount it");
    Options options;
    AttachArguments& arguments = options.arguments;
    CLI::App& cli = tool.cli();
    add_image(cli, arguments);
    add_directory(cli, arguments);
    cli.add_flag("-r,--read-only", arguments.read_only, "Write nothing to the image");
    cli.add_option("--fs", arguments.file_system, "Type of the file system (default: detected)")
        ->type_name("TYPE");
    cli.add_option("--partition", arguments.partition, "Print or mount this partition")
        ->type_name("N")
        ->check(number_from(1, 128));
    add_choice<unsigned>(cli, "--sector-size", arguments.sector_bytes,
                         "Sectors of the device: 512 or 4096 (default: 512)", "BYTES",
                         {{"512", 512}, {"4096", 4096}});
    add_option_list(cli, options.list_of_options);
    cli.add_option("--set", options.parameters,
                   "A parameter for the nbdkit plugin, such as cache-size=1G")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    cli.add_option("--config", options.config,
                   "Read image, mount point and options from /etc/insitu/NAME.conf")
        ->type_name("NAME")
        ->check(file_name());
    cli.add_flag("--list", options.list, "Print what is attached");
    tool.add_json_option();
    return tool.run(argc, argv, [&] { return attach(tool, options); });
}

// mount(8)'s exit statuses.
constexpr int mount_failed = 32;
constexpr int mount_usage = 1;

int mount_main(World world, int argc, char** argv) {
    Tool tool(std::move(world), "mount.insitu",
              "Mount a compressed image; mount -t insitu calls this");
    tool.set_exit_statuses({mount_failed, mount_usage, 0});
    Options options;
    AttachArguments& arguments = options.arguments;
    CLI::App& cli = tool.cli();
    add_image(cli, arguments)->required();
    add_directory(cli, arguments)->required();
    add_option_list(cli, options.list_of_options);
    cli.add_flag("-f,--fake", options.fake, "Do all but the mounting");
    cli.add_flag("-s,-n", options.ignored, "For mount(8): without effect");
    cli.add_option("-t,-N", options.ignored_text, "For mount(8): without effect")
        ->type_name("TEXT");
    return tool.run(argc, argv, [&] {
        apply_options(arguments, options.list_of_options);
        if (options.fake) return exit_done;
        return attach_image(tool, arguments, Attached::accept_same_mount);
    });
}

}  // namespace

int insitu::apps::run_attach(World world, int argc, char** argv) {
    const std::string_view name = argc > 0 ? argv[0] : "";
    if (name.ends_with("mount.insitu")) return mount_main(std::move(world), argc, argv);
    return attach_main(std::move(world), argc, argv);
}
