// SPDX-License-Identifier: GPL-2.0-or-later
#include "fsck/check_run.hpp"
#include "fsck/fsck_options.hpp"
#include "fsck/repair_run.hpp"
#include "tools.hpp"

using namespace insitu;
using namespace insitu::apps;

int insitu::apps::run_fsck(World world, int argc, char** argv) {
    Tool tool(std::move(world), "insitu-fsck", "Check and repair an insitu-comp image");
    tool.set_exit_statuses({fsck_failed, fsck_usage, fsck_cancelled});
    FsckOptions options;
    const char* const undo_directory = tool.world().variable("INSITU_UNDO_DIR");
    if (undo_directory != nullptr) options.undo_directory = undo_directory;
    take_mode(argc, argv, options);
    add_fsck_options(tool, options);
    return tool.run(argc, argv, [&] {
        settle(tool, options);
        switch (options.mode) {
            case FsckMode::undo:
                return run_undo(tool, options);
            case FsckMode::repair:
                return run_repair(tool, options);
            case FsckMode::check:
                break;
        }
        return run_check(tool, options);
    });
}
