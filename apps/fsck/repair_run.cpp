#include "fsck/repair_run.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "common/image_input.hpp"
#include "common/manifest.hpp"
#include "common/paths.hpp"
#include "common/sizes.hpp"
#include "fsck/fsck_report.hpp"
#include "insitu/fsck/holes.hpp"
#include "insitu/fsck/repair.hpp"
#include "insitu/image/image.hpp"
#include "insitu/store/aligned_buffer.hpp"
#include "insitu/store/file_store.hpp"
#include "insitu/store/open.hpp"
#include "insitu/store/output_file.hpp"

namespace insitu::apps {

namespace {

namespace fs = std::filesystem;

// Beside an image file; the logs of devices lie where they outlive a reboot.
std::string log_base(const FsckOptions& options) {
    if (!options.log.empty()) return options.log;
    const std::string& image = options.output.empty() ? options.image : options.output;
    if (node_kind(image) == NodeKind::block_device) {
        return "/var/tmp/" + fs::path(image).filename().string() + ".insitu-undo";
    }
    return image + ".insitu-undo";
}

std::string numbered(const std::string& base, unsigned number) {
    return number == 0 ? base : fmt::format("{}.{}", base, number);
}

// The path of the new log. The logs of earlier repairs stay: they are undone one by one.
std::string new_log_path(const FsckOptions& options) {
    const std::string base = log_base(options);
    if (!options.log.empty()) {
        if (node_kind(base) == NodeKind::missing) return base;
        if (!options.force) {
            throw Error(ErrorKind::refused, {.file = base}, "exists",
                        "--force replaces it: the repair that it belongs to can then no longer be "
                        "undone");
        }
        fs::remove(base);
        return base;
    }
    return numbered(base, static_cast<unsigned>(existing_logs(options).size()));
}

UndoLog::Resize resizer(Store& store) {
    auto* file = dynamic_cast<FileStore*>(&store);
    if (file == nullptr) return {};
    return [file](std::uint64_t size_bytes) { file->resize(size_bytes); };
}

// Completes or takes back what an earlier run did not finish. True: it changed the image.
bool finish_earlier_work(Tool& tool, const FsckOptions& options, Store& image) {
    bool changed = false;
    for (const std::string& path : existing_logs(options)) {
        LogFile medium(path, LogFile::Mode::open);
        const InterruptedWork work = finish_interrupted(image, medium, resizer(image));
        if (work == InterruptedWork::none) continue;
        changed = true;
        tool.note(fmt::format("{}: an interrupted repair was {} by its log {}", options.image,
                              work == InterruptedWork::completed ? "completed" : "taken back",
                              path));
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
    std::unique_ptr<OutputFile> copy;
    Store& store() { return copy ? copy->store() : *opened; }
};

Patient open_patient(Tool& tool, const FsckOptions& options) {
    Patient patient;
    const bool reads = options.dry_run || !options.output.empty();
    patient.opened =
        open_store(options.image, reads ? Access::read : Access::read_write, tool.sharing());
    // A repair would be undone, or spoilt, by the intent.
    refuse_pending_intent(*patient.opened);
    if (options.output.empty() || options.dry_run) return patient;
    refuse_same_storage(options.image, options.output, "the image");
    const NodeKind kind = node_kind(options.output);
    if (kind != NodeKind::missing && kind != NodeKind::regular_file) {
        throw Error(ErrorKind::refused, {.file = options.output}, "is no regular file");
    }
    if (kind == NodeKind::regular_file && !options.force) {
        throw Error(ErrorKind::refused, {.file = options.output}, "exists", "--force replaces it");
    }
    patient.copy = std::make_unique<OutputFile>(options.output, patient.opened->size_bytes());
    copy_image(*patient.opened, patient.copy->store());
    return patient;
}

RepairOptions repair_options(const FsckOptions& options, Store& image) {
    RepairOptions result;
    if (options.safe_only) result.scope = RepairOptions::Scope::safe;
    result.trust_payloads = options.trust_payloads;
    result.salvage = options.salvage;
    result.rebuild_super = options.rebuild_super;
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
};

int status_of(const Outcome& outcome, bool dry_run) {
    int status = fsck_clean;
    if (outcome.result.changed || outcome.earlier_work || outcome.punched) status |= fsck_corrected;
    if (outcome.result.after.errors != 0) status |= fsck_uncorrected;
    return dry_run && outcome.result.before.errors != 0 ? fsck_uncorrected : status;
}

void summarize(const Tool& tool, const FsckOptions& options, const Outcome& outcome,
               FsckReport& report) {
    const RepairResult& result = outcome.result;
    if (tool.common().json) {
        Json members;
        members["before"] = counts_json(result.before);
        members["after"] = counts_json(result.after);
        members["changed"] = result.changed;
        members["rolled_back"] = result.rolled_back;
        members["dry_run"] = options.dry_run;
        members["undo_log"] = result.changed ? Json(outcome.log) : Json(nullptr);
        members["suspect_blocks"] = result.suspect_blocks;
        members["lost_blocks"] = result.lost_blocks;
        members["undecided_blocks"] = result.undecided_blocks;
        members["punched_bytes"] = outcome.punched_bytes;
        members["exit_status"] = status_of(outcome, options.dry_run);
        return report.end(members);
    }
    if (tool.common().quiet) return;
    const std::string& name = options.output.empty() ? options.image : options.output;
    std::string text = fmt::format("{}: {}", options.image, counts_text(result.before));
    if (result.changed) {
        text += fmt::format("; repaired: {}", counts_text(result.after));
    } else if (result.rolled_back) {
        text += "; the repair made it worse and was taken back";
    } else if (!options.dry_run && result.before.errors != 0) {
        text += "; nothing was changed";
    }
    if (result.lost_blocks + result.suspect_blocks + result.undecided_blocks != 0) {
        text +=
            fmt::format("; {} lost, {} suspect, {} undecided", counted(result.lost_blocks, "block"),
                        result.suspect_blocks, result.undecided_blocks);
    }
    tool.print(text + "\n");
    if (outcome.punched) {
        tool.print(fmt::format("{}: holes of {} bytes punched\n", name, outcome.punched_bytes));
    }
    if (!result.changed || outcome.log.empty()) return;
    tool.print(fmt::format("{}: insitu-fsck undo {} {} takes it back\n", name, name, outcome.log));
}

void punch(Tool& tool, Store& store, Outcome& outcome) {
    if (outcome.result.after.errors != 0) {
        return tool.note("holes are not punched: the image is not clean");
    }
    outcome.punched_bytes = punch_holes(Image::open(store), store, tool.control());
    store.sync();
    outcome.punched = outcome.punched_bytes != 0;
}

// A repair that ends while it still plans leaves no log behind.
void discard_unused_log(const std::string& path) {
    if (node_kind(path) != NodeKind::regular_file) return;
    LogFile medium(path, LogFile::Mode::open);
    if (UndoLog::open(medium).state() == LogState::planning) fs::remove(path);
}

}  // namespace

std::vector<std::string> existing_logs(const FsckOptions& options) {
    const std::string base = log_base(options);
    std::vector<std::string> found;
    while (node_kind(numbered(base, static_cast<unsigned>(found.size()))) ==
           NodeKind::regular_file) {
        found.push_back(numbered(base, static_cast<unsigned>(found.size())));
    }
    return found;
}

int run_repair(Tool& tool, const FsckOptions& options) {
    Patient patient = open_patient(tool, options);
    Store& store = patient.store();
    Outcome outcome;
    if (!options.dry_run && options.output.empty()) {
        outcome.earlier_work = finish_earlier_work(tool, options, store);
    }
    RepairOptions wanted = repair_options(options, store);
    std::optional<ManifestFile> manifest_file;
    std::optional<Manifest> manifest;
    if (!options.manifest.empty()) {
        manifest.emplace(manifest_file.emplace(options.manifest).contents());
        wanted.check.manifest = &*manifest;
    }
    std::unique_ptr<Store> dump;
    if (!options.restore_meta.empty()) {
        dump = open_store(options.restore_meta, Access::read, Sharing::exclusive);
        wanted.meta_dump = dump.get();
    }
    FsckReport report(tool, options.image, options.dry_run ? "dry-run" : "repair");
    std::optional<LogFile> log;
    if (!options.dry_run) {
        outcome.log = new_log_path(options);
        log.emplace(outcome.log, LogFile::Mode::create);
    }
    try {
        outcome.result = repair(store, log ? &*log : nullptr, wanted, report, tool.control());
    } catch (const Error&) {
        log.reset();
        if (!options.dry_run) discard_unused_log(outcome.log);
        throw;
    }
    if (outcome.result.rolled_back) fs::remove(outcome.log);
    if (options.punch && !options.dry_run) punch(tool, store, outcome);
    if (patient.copy) {
        patient.copy->commit();
        // The original is the best undo log of a copy.
        if (options.log.empty()) {
            fs::remove(outcome.log);
            outcome.log.clear();
        }
    }
    tool.end_progress();
    summarize(tool, options, outcome, report);
    return status_of(outcome, options.dry_run);
}

int run_undo(Tool& tool, const FsckOptions& options) {
    LogFile medium(options.undo_log, LogFile::Mode::open);
    const auto store = open_store(options.image, Access::read_write, Sharing::exclusive);
    UndoLog log = UndoLog::open(medium);
    log.verify(*store, options.force ? UndoLog::Trust::force : UndoLog::Trust::verify);
    const char* done = "nothing to take back: the repair never began";
    switch (log.state()) {
        case LogState::planning:
            break;
        case LogState::applying:
        case LogState::applied:
        case LogState::undoing:
            log.undo(*store, resizer(*store));
            done = "the repair is taken back";
            break;
        case LogState::undone:
            log.apply(*store, resizer(*store));
            done = "the undo is taken back: the repair is applied again";
            break;
    }
    if (tool.common().json) {
        Json document;
        document["image"] = options.image;
        document["undo_log"] = options.undo_log;
        document["state"] = to_string(log.state());
        tool.print_json(document);
    } else if (!tool.common().quiet) {
        tool.print(fmt::format("{}: {}\n", options.image, done));
    }
    return fsck_clean;
}

}  // namespace insitu::apps
