#include <fmt/format.h>

#include "common/image_input.hpp"
#include "common/manifest.hpp"
#include "fsck/fsck_options.hpp"
#include "fsck/fsck_report.hpp"
#include "fsck/repair_run.hpp"
#include "fsck/undo_place.hpp"
#include "insitu/device/recovery.hpp"
#include "insitu/store/open.hpp"

using namespace insitu;
using namespace insitu::apps;

namespace {

CheckOptions check_options(const FsckOptions& options) {
    CheckOptions result;
    if (options.meta_only) result.depth = CheckOptions::Depth::meta;
    if (options.kernel_safe) result.distances = CheckOptions::Distances::all;
    return result;
}

// An earlier repair that was cut off explains what a check finds now.
void warn_of_unfinished_repair(const Tool& tool, const FsckOptions& options, const Store& image) {
    for (const std::string& path : UndoPlace(options).existing()) {
        FoundLog found(tool, options, path, LogFile::Mode::read);
        const LogState state = found.state();
        if (found.medium() == nullptr) continue;
        if (state != LogState::applying && state != LogState::undoing) continue;
        if (!UndoLog::open(*found.medium()).made_for(image)) continue;
        tool.note(fmt::format("{}: a repair was interrupted (log {}): insitu-fsck repair ends it",
                              options.image, path));
    }
}

// What keeps an image from being activated; null: nothing.
const char* kernel_verdict(const FindingCounts& counts) {
    switch (counts.worst) {
        case KernelEffect::crashes:
            return "the driver crashes on it";
        case KernelEffect::out_of_bounds:
            return "the driver reads outside its memory";
        case KernelEffect::endless_loop:
            return "the driver can loop for ever";
        case KernelEffect::refuses:
            return "the driver refuses it";
        case KernelEffect::none:
        case KernelEffect::eio:
        case KernelEffect::wrong_data:
            break;
    }
    return nullptr;
}

struct Checked {
    const CheckResult& result;
    PendingState pending;
    bool blocked;  // what is pending cannot be applied
};

int report_check(Tool& tool, const FsckOptions& options, const Checked& checked,
                 FsckReport& report) {
    const CheckResult& result = checked.result;
    const char* unsafe = kernel_verdict(result.counts);
    const bool good = options.kernel_safe ? unsafe == nullptr : result.clean() && !checked.blocked;
    const int status = good ? fsck_clean : fsck_uncorrected;
    if (tool.common().json) {
        Json members;
        members["result"] = counts_json(result.counts);
        members["pending_intent"] = checked.pending != PendingState::none;
        members["kernel_safe"] = unsafe == nullptr;
        if (!options.meta_only) {
            members["mapped_blocks"] = result.extents.mapped_blocks;
            members["payload_sectors"] = result.extents.payload_sectors;
        }
        members["walked_extents"] = result.walked_extents;
        members["wide_extents"] = result.wide_extents;
        members["largest_distance_class"] =
            result.walked_extents == 0 ? "none" : (result.wide_extents != 0 ? "32K" : "2K");
        members["exit_status"] = status;
        report.end(members);
        return status;
    }
    if (options.kernel_safe) {
        tool.print(fmt::format("{}: {}{}{}\n", options.image,
                               unsafe == nullptr ? "safe to activate" : "not safe to activate",
                               unsafe == nullptr ? "" : ": ", unsafe == nullptr ? "" : unsafe));
    } else if (!tool.common().quiet) {
        tool.print(fmt::format("{}: {}\n", options.image, counts_text(result.counts)));
    }
    return status;
}

int run_check(Tool& tool, const FsckOptions& options) {
    const auto store = open_store(options.image, Access::read, tool.sharing());
    if (tool.sharing() == Sharing::shared) {
        tool.note(fmt::format("{}: read without a lock: the results may be stale", options.image));
    }
    warn_of_unfinished_repair(tool, options, *store);
    RecoveredImage recovered;
    bool blocked = false;
    try {
        // What is to be checked is what the next opening makes of it; the driver sees what is
        // there.
        if (!options.kernel_safe) recovered = recovered_in_memory(tool, *store);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::io || error.kind() == ErrorKind::cancelled) throw;
        tool.complain(error.what());
        if (!error.hint().empty()) tool.note("hint: " + error.hint());
        blocked = true;
    }
    const PendingState pending = pending_state(*store);
    if (pending != PendingState::none && !blocked) {
        tool.note(fmt::format("{}: {}", options.image, pending_text));
        tool.note(fmt::format("hint: {}", pending_hint));
    }
    const Store& image = recovered.store ? *recovered.store : *store;
    CheckOptions wanted = check_options(options);
    std::optional<ManifestFile> manifest_file;
    std::optional<Manifest> manifest;
    if (!options.manifest.empty()) {
        manifest.emplace(manifest_file.emplace(options.manifest).contents());
        wanted.manifest = &*manifest;
    }
    FsckReport report(tool, options.image, "check");
    const CheckResult result = check(image, wanted, report, tool.control());
    tool.end_progress();
    return report_check(tool, options, {result, pending, blocked}, report);
}

}  // namespace

int main(int argc, char** argv) {
    Tool tool("insitu-fsck", "Check and repair an insitu-comp image");
    tool.set_exit_statuses({fsck_failed, fsck_usage, fsck_cancelled});
    FsckOptions options;
    take_mode(argc, argv, options);
    add_fsck_options(tool, options);
    return tool.run(argc, argv, [&] {
        settle(options, tool.sharing());
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
