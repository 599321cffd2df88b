// SPDX-License-Identifier: GPL-2.0-or-later
#include "fsck/repair_run.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "common/image_input.hpp"
#include "common/manifest.hpp"
#include "common/map_page.hpp"
#include "common/paths.hpp"
#include "common/printable.hpp"
#include "common/sizes.hpp"
#include "fsck/finding_page.hpp"
#include "fsck/fsck_report.hpp"
#include "fsck/manifest_proof.hpp"
#include "fsck/undo_place.hpp"
#include "insitu/internal/fsck/holes.hpp"
#include "insitu/internal/fsck/seal_image.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/internal/journal/recovery.hpp"
#include "insitu/internal/store/aligned_buffer.hpp"
#include "insitu/internal/store/file_store.hpp"
#include "insitu/internal/store/output_file.hpp"
#include "insitu/open_store.hpp"
#include "insitu/repair.hpp"

namespace insitu::apps {

namespace {

namespace fs = std::filesystem;

UndoLog::Resize resizer(Store& store) {
    auto* file = dynamic_cast<FileStore*>(&store);
    if (file == nullptr) return {};
    return [file](std::uint64_t size_bytes) { file->resize(size_bytes); };
}

// Completes or takes back what an earlier run did not finish. True: it changed the image. The size
// of a file changes only if the user asks for it.
bool finish_earlier_work(Tool& tool, const FsckOptions& options, Store& image) {
    bool changed = false;
    const UndoLog::Resize resize = options.resize_file ? resizer(image) : UndoLog::Resize();
    for (const std::string& path : UndoPlace(options).existing()) {
        FoundLog found(tool, options, path, LogFile::Mode::open);
        if (found.medium() == nullptr) continue;
        if (found.state() == LogState::planning) {
            fs::remove(path);  // its repair never began
            continue;
        }
        const InterruptedWork work = finish_interrupted(image, *found.medium(), resize);
        if (work == InterruptedWork::none) continue;
        if (work == InterruptedWork::foreign) {
            tool.note(fmt::format("{}: is the log of another image; it is left alone", path));
            continue;
        }
        changed = true;
        tool.note(fmt::format("{}: an interrupted repair was {} by its log {}", options.image,
                              work == InterruptedWork::completed ? "completed" : "undone", path));
    }
    return changed;
}

void copy_image(const Store& from, Store& to) {
    constexpr std::uint64_t step = 1 << 20;
    AlignedBuffer piece(step);
    const std::uint64_t size = from.size_bytes();
    for (std::uint64_t at = from.next_data(0); at < size; at = from.next_data(at)) {
        const std::uint64_t length = std::min(step, size - at);
        from.read_at(at, piece.first(length));
        to.write_at(at, piece.first(length));
        at += length;
    }
}

// What a repair works on: the image itself, or a copy that gets its name when all is done.
struct Patient {
    std::unique_ptr<Store> opened;
    std::unique_ptr<OverlayStore> recovered;  // of a dry run, as a repair would find it
    std::unique_ptr<OutputFile> copy;
    bool finished_commit = false;
    Store& store() {
        if (recovered) return *recovered;
        return copy ? copy->store() : *opened;
    }
};

// Applies what an interrupted live device has committed, as e2fsck replays a journal: a repair
// would be undone, or spoilt, by it. True: there was something.
bool finish_commit(const Tool& tool, Store& store) {
    if (!has_intent(store)) return false;
    const Recovery recovery = apply_intents(store);
    store.sync();
    clear_intents(store);
    tool.note(fmt::format("{}: the last commit of an interrupted live device ({}) is applied",
                          store.name(), counted(recovery.windows, "window")));
    return true;
}

Patient open_patient(Tool& tool, const FsckOptions& options) {
    Patient patient;
    const bool reads = options.dry_run || !options.output.empty();
    patient.opened =
        open_store(options.image, reads ? Access::read : Access::read_write, tool.sharing());
    if (!options.force) refuse_foreign_content(options.image, *patient.opened);
    if (options.dry_run) patient.recovered = recovered_in_memory(tool, *patient.opened).store;
    if (options.dry_run) return patient;
    if (options.output.empty()) {
        patient.finished_commit = finish_commit(tool, *patient.opened);
        return patient;
    }
    refuse_same_storage(options.image, options.output, "the image");
    const NodeKind kind = node_kind(options.output);
    if (kind != NodeKind::missing && kind != NodeKind::regular_file) {
        throw Error(ErrorKind::refused, {.file = options.output}, "is not a regular file");
    }
    if (kind == NodeKind::regular_file && !options.force) {
        throw Error(ErrorKind::refused, {.file = options.output}, "exists", "--force replaces it");
    }
    patient.copy = std::make_unique<OutputFile>(options.output, patient.opened->size_bytes());
    copy_image(*patient.opened, patient.copy->store());
    finish_commit(tool, patient.copy->store());
    return patient;
}

RepairOptions repair_options(const FsckOptions& options, Store& image) {
    RepairOptions result;
    if (options.safe_only) result.scope = RepairOptions::Scope::safe;
    result.trust_payloads = options.trust_payloads;
    result.salvage = options.salvage;
    result.rebuild_super = options.rebuild_super;
    result.rebuild_without_evidence = options.force;
    result.rebuild_meta = options.rebuild_meta;
    if (options.meta_only) result.check.depth = CheckOptions::Depth::meta;
    if (options.resize_file) result.resize = resizer(image);
    return result;
}

struct Outcome {
    RepairResult result;
    bool earlier_work = false;
    std::string log;
    std::uint64_t punched_bytes = 0;
    bool punched = false;
    SealResult seals;
    std::optional<std::uint64_t>
        not_compared_blocks;  // with a manifest, which knows nothing of them

    bool sealed() const noexcept { return seals.added + seals.replaced != 0; }
};

int status_of(const Outcome& outcome, bool dry_run) {
    int status = fsck_clean;
    if (outcome.result.changed || outcome.earlier_work || outcome.punched || outcome.sealed()) {
        status |= fsck_corrected;
    }
    if (outcome.result.after.errors != 0) status |= fsck_uncorrected;
    return dry_run && outcome.result.before.errors != 0 ? fsck_uncorrected : status;
}

void summarize(const Tool& tool, const FsckOptions& options, const Outcome& outcome, int status,
               FsckReport& report) {
    const RepairResult& result = outcome.result;
    if (tool.common().json) {
        Json members;
        members["before"] = counts_json(result.before);
        members["after"] = counts_json(result.after);
        members["changed"] = result.changed;
        members["rolled_back"] = result.rolled_back;
        members["dry_run"] = options.dry_run;
        members["undo_log"] =
            result.changed && !outcome.log.empty() ? Json(outcome.log) : Json(nullptr);
        members["suspect_blocks"] = result.suspect_blocks;
        members["lost_blocks"] = result.lost_blocks;
        members["undecided_blocks"] = result.undecided_blocks;
        if (outcome.not_compared_blocks) {
            members["not_compared_blocks"] = *outcome.not_compared_blocks;
        }
        members["punched_bytes"] = outcome.punched_bytes;
        members["seals_added"] = outcome.seals.added;
        members["seals_replaced"] = outcome.seals.replaced;
        members["exit_status"] = status;
        return report.end(members);
    }
    if (tool.common().quiet) return;
    const std::string& name = options.output.empty() ? options.image : options.output;
    std::string text = fmt::format("{}: {}", options.image, counts_text(result.before));
    if (result.changed) {
        text += fmt::format("; repaired: {}", counts_text(result.after));
    } else if (result.rolled_back) {
        text += "; the repair made it worse and was undone";
    } else if (!options.dry_run && result.before.errors != 0) {
        text += "; nothing was changed";
    }
    if (result.lost_blocks + result.suspect_blocks + result.undecided_blocks != 0) {
        text +=
            fmt::format("; {} lost, {} suspect, {} undecided", counted(result.lost_blocks, "block"),
                        result.suspect_blocks, result.undecided_blocks);
    }
    report.line(text);
    if (outcome.punched) {
        report.line(fmt::format("{}: holes of {} bytes punched", name, outcome.punched_bytes));
    }
    if (options.seals()) {
        const SealResult& seals = outcome.seals;
        report.line(fmt::format(
            "{}: {} sealed{}, {} had a seal, {} without room, {} left alone", name,
            counted(seals.added, "extent"),
            seals.replaced != 0 ? fmt::format(", {} sealed anew", seals.replaced) : std::string(),
            seals.sealed_before, seals.no_room, seals.differing + seals.damaged));
    }
    if (!result.changed || outcome.log.empty()) return;
    report.line(fmt::format("{}: to undo this: insitu-fsck undo {} {}", name, name, outcome.log));
}

void punch(Tool& tool, Store& store, Outcome& outcome) {
    if (outcome.result.after.errors != 0) {
        return tool.note("holes are not punched: the image is not clean");
    }
    outcome.punched_bytes = punch_holes(Image::open(store), store, tool.control());
    store.sync();
    outcome.punched = outcome.punched_bytes != 0;
}

// After the repair: what it made readable is sealed, too.
void seal(Tool& tool, const FsckOptions& options, Store& store, Outcome& outcome) {
    const Image image = Image::open(store);
    outcome.seals = seal_image(
        image, store, options.seal_all ? SealScope::all : SealScope::unsealed, tool.control());
    // Each of those whose content is believed now was a finding.
    FindingCounts& after = outcome.result.after;
    std::uint64_t& unsealed = after.by_id[static_cast<std::size_t>(FindingId::p08)];
    const std::uint64_t settled = std::min(unsealed, outcome.seals.replaced);
    unsealed -= settled;
    after.errors -= settled;
}

Json page_report(const Outcome& outcome) {
    Json report = counts_json(outcome.result.before);
    report["changed"] = outcome.result.changed;
    report["lost_blocks"] = outcome.result.lost_blocks;
    report["suspect_blocks"] = outcome.result.suspect_blocks;
    report["undecided_blocks"] = outcome.result.undecided_blocks;
    return report;
}

// The log of a repair. It is removed again unless it is kept: a repair that ends before it changes
// anything leaves none behind.
class RepairLog {
  public:
    explicit RepairLog(const FsckOptions& options) : of_copy_(!options.output.empty()) {
        if (options.dry_run) return;
        if (of_copy_ && options.log.empty()) {
            // The original is the best undo log of a copy.
            const fs::path parent = fs::path(options.output).parent_path();
            file_.emplace(parent.empty() ? "." : parent.string(), LogFile::Mode::unnamed);
            return;
        }
        file_.emplace(UndoPlace(options).create());
        path_ = file_->name();
    }
    ~RepairLog() {
        file_.reset();
        if (path_.empty() || kept_) return;
        if (of_copy_ || undone_) {
            std::error_code ignored;
            fs::remove(path_, ignored);
        } else {
            discard_unused_log(path_);
        }
    }
    RepairLog(const RepairLog&) = delete;
    RepairLog& operator=(const RepairLog&) = delete;

    LogMedium* medium() noexcept { return file_ ? &*file_ : nullptr; }
    // Whether the image is not as it was.
    bool began() {
        if (path_.empty() || of_copy_ || UndoLog::cut_off_early(*file_)) return false;
        return UndoLog::open(*file_).state() != LogState::planning;
    }
    // Empty: none that lasts.
    const std::string& path() const noexcept { return path_; }
    void keep() noexcept { kept_ = true; }
    // The image is as it was: the log has no more use.
    void rolled_back() noexcept { undone_ = true; }

  private:
    bool of_copy_;
    bool kept_ = false;
    bool undone_ = false;
    std::optional<LogFile> file_;
    std::string path_;
};

}  // namespace

int run_repair(Tool& tool, const FsckOptions& options) {
    PageFile page_file(tool, options.html, options.image);
    Patient patient = open_patient(tool, options);
    Store& store = patient.store();
    Outcome outcome;
    if (!options.dry_run && options.output.empty()) {
        outcome.earlier_work = finish_earlier_work(tool, options, store) || patient.finished_commit;
    }
    RepairOptions wanted = repair_options(options, store);
    std::optional<ManifestFile> manifest_file;
    std::optional<Manifest> manifest;
    if (!options.manifest.empty()) {
        manifest.emplace(manifest_file.emplace(options.manifest).contents());
        tell_of_unknown_blocks(tool, *manifest_file);
        outcome.not_compared_blocks = manifest_file->unknown_blocks();
        wanted.check.manifest = &*manifest;
        if (options.force) wanted.manifest_trust = RepairOptions::ManifestTrust::force;
        wanted.approve = [&](const Store& result) {
            prove_by_sums(*manifest_file, result, tool.control());
        };
    }
    std::unique_ptr<Store> dump;
    if (!options.restore_meta.empty()) {
        dump = open_store(options.restore_meta, Access::read, Sharing::exclusive);
        wanted.meta_dump = dump.get();
    }
    FsckReport report(tool, options.image, options.dry_run ? "dry-run" : "repair");
    FindingPage page(report);
    RepairLog log(options);
    try {
        outcome.result = repair(store, log.medium(), wanted, page, tool.control());
    } catch (const std::exception&) {
        if (log.began()) {
            tool.say_on_failure(fmt::format(
                "{}: is repaired in part: insitu-fsck repair ends that, insitu-fsck undo {} {} "
                "takes it back",
                options.image, options.image, log.path()));
        }
        throw;
    }
    if (outcome.result.rolled_back) log.rolled_back();
    if (outcome.result.changed) {
        tool.set_failed_status(fsck_failed | fsck_corrected);
        tool.say_on_failure(
            fmt::format("{}: the repair is done, its report is lost", options.image));
    }
    if (options.seals() && !options.dry_run) seal(tool, options, store, outcome);
    if (options.punch && !options.dry_run) punch(tool, store, outcome);
    if (patient.copy) patient.copy->commit();
    if (outcome.result.changed) log.keep();
    outcome.log = log.path();
    int status = status_of(outcome, options.dry_run);
    status |= page_file.write(
        [&] { return page.html(store, options.image, page_report(outcome), tool.control()); },
        fsck_failed);
    tool.end_progress();
    summarize(tool, options, outcome, status, report);
    return report.status(status);
}

int run_undo(Tool& tool, const FsckOptions& options) {
    LogFile medium(options.undo_log, LogFile::Mode::open);
    if (!options.force) require_own_log(medium, options.image);
    const auto store = open_store(options.image, Access::read_write, Sharing::exclusive);
    UndoLog log = UndoLog::open(medium);
    log.verify(*store, options.force ? UndoLog::Trust::force : UndoLog::Trust::verify);
    const char* done = "nothing to undo: the repair never began";
    switch (log.state()) {
        case LogState::planning:
            break;
        case LogState::applying:
        case LogState::applied:
        case LogState::undoing:
            log.undo(*store, resizer(*store));
            done = "the repair is undone";
            break;
        case LogState::undone:
            log.apply(*store, resizer(*store));
            done = "the repair is applied again";
            break;
    }
    if (tool.common().json) {
        Json document;
        document["image"] = options.image;
        document["undo_log"] = options.undo_log;
        document["state"] = to_string(log.state());
        tool.print_json(document);
    } else if (!tool.common().quiet) {
        tool.print(fmt::format("{}: {}\n", printable(options.image), done));
    }
    return fsck_clean;
}

}  // namespace insitu::apps
