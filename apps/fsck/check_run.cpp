// SPDX-License-Identifier: GPL-2.0-or-later
#include "fsck/check_run.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/image_input.hpp"
#include "common/manifest.hpp"
#include "common/manifest_check.hpp"
#include "common/map_page.hpp"
#include "common/paths.hpp"
#include "common/printable.hpp"
#include "fsck/finding_page.hpp"
#include "fsck/fsck_report.hpp"
#include "fsck/manifest_proof.hpp"
#include "fsck/undo_place.hpp"
#include "insitu/internal/journal/recovery.hpp"
#include "insitu/open_store.hpp"

namespace insitu::apps {

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

// What keeps an image from being activated; empty: nothing.
std::string unsafe_effects(const FindingCounts& counts) {
    std::string text;
    for (std::size_t i = 0; i < kernel_effect_count; ++i) {
        const auto effect = static_cast<KernelEffect>(i);
        if (!counts.has(effect) || !is_unsafe(effect)) continue;
        text += (text.empty() ? "" : ", ") + std::string(to_string(effect));
    }
    return text;
}

struct Checked {
    const CheckResult& result;
    PendingState pending;
    bool blocked;     // what is pending cannot be applied
    int page_status;  // what the page of --html adds to the exit status
    std::optional<std::uint64_t>
        not_compared_blocks;  // with a manifest, which knows nothing of them
};

int report_check(Tool& tool, const FsckOptions& options, const Checked& checked,
                 FsckReport& report) {
    const CheckResult& result = checked.result;
    const bool safe = result.counts.kernel_safe();
    const bool good = options.kernel_safe ? safe : result.clean() && !checked.blocked;
    const int status = (good ? fsck_clean : fsck_uncorrected) | checked.page_status;
    if (tool.common().json) {
        Json members;
        members["result"] = counts_json(result.counts);
        members["pending_intent"] = checked.pending != PendingState::none;
        members["kernel_safe"] = safe;
        if (!options.meta_only) {
            members["mapped_blocks"] = result.extents.mapped_blocks;
            members["payload_sectors"] = result.extents.payload_sectors;
        }
        if (checked.not_compared_blocks) {
            members["not_compared_blocks"] = *checked.not_compared_blocks;
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
        tool.print(safe ? fmt::format("{}: safe to activate\n", printable(options.image))
                        : fmt::format("{}: not safe to activate: kernel: {}\n",
                                      printable(options.image), unsafe_effects(result.counts)));
    } else if (!tool.common().quiet) {
        tool.print(fmt::format("{}: {}\n", printable(options.image), counts_text(result.counts)));
    }
    return status;
}

}  // namespace

int run_check(Tool& tool, const FsckOptions& options) {
    PageFile page_file(tool, options.html, options.image);
    const auto store = open_store(options.image, Access::read, tool.sharing());
    if (tool.sharing() == Sharing::shared) {
        tool.note(fmt::format("{}: read without a lock: the results may be stale", options.image));
    }
    refuse_foreign_content(options.image, *store);
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
    // What the driver sees, or what is there, since nothing can be made of the intent.
    if (options.kernel_safe || blocked) wanted.pending = PendingCheck::ignore;
    std::optional<ManifestFile> manifest_file;
    std::optional<Manifest> manifest;
    if (!options.manifest.empty()) {
        manifest.emplace(manifest_file.emplace(options.manifest).contents());
        tell_of_unknown_blocks(tool, *manifest_file);
        wanted.manifest = &*manifest;
    }
    FsckReport report(tool, options.image, "check");
    FindingPage page(report);
    const CheckResult result = check(image, wanted, page, tool.control());
    const auto html = [&] {
        return page.html(image, options.image, counts_json(result.counts), tool.control());
    };
    const int page_status = page_file.write(html, fsck_failed);
    tool.end_progress();
    Checked checked{result, pending, blocked, page_status, {}};
    if (manifest_file) checked.not_compared_blocks = manifest_file->unknown_blocks();
    return report_check(tool, options, checked, report);
}

}  // namespace insitu::apps
