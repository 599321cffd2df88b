// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/repair.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>

#include "engine/for_each.hpp"
#include "fsck/lost_payloads.hpp"
#include "fsck/super_plan.hpp"
#include "fsck/window_repair.hpp"
#include "image/window_batches.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/journal/recovery.hpp"
#include "insitu/internal/store/overlay_store.hpp"
#include "insitu/internal/units/counted.hpp"

namespace insitu {

namespace {

// Windows that hold meta or data, in batches: all that a rebuild has to look at.
class RebuildBatches {
  public:
    explicit RebuildBatches(const Image& image)
        : image_(image), cursor_(image), end_{image.geometry().window_count()} {}

    bool take(WindowBatch& batch) {
        const WindowIndex first = std::min({cursor_.next_mapped(next_), next_data(), end_});
        const std::uint64_t boundary = (first.value / batch_windows + 1) * batch_windows;
        const WindowIndex limit = std::min(WindowIndex{boundary}, end_);
        batch = {first, limit.value - first.value, first.value - next_.value};
        next_ = limit;
        return batch.count != 0;
    }

  private:
    WindowIndex next_data() const {
        if (next_ >= end_) return end_;
        const std::uint64_t at = image_.geometry().block_at_byte(first_block_of(next_));
        const std::uint64_t data = image_.store().next_data(at);
        return next_ + (data > at ? (data - at) / window_bytes : 0);
    }

    const Image& image_;
    MetaCursor cursor_;
    WindowIndex next_{0};
    WindowIndex end_;
};

// One worker: examines its windows and plans what is to become of the damaged ones.
class RepairWorker {
  public:
    RepairWorker(const Image& image, const RepairOptions& options)
        : options_(options),
          checker_(image, options.check),
          planner_(image, options),
          meta_(image) {}

    void work(const WindowBatch& batch) {
        findings_.clear();
        plans_.clear();
        for (std::uint64_t i = 0; i < batch.count; ++i) {
            const WindowIndex window = batch.first + i;
            if (options_.rebuild_meta) {
                plans_.push_back(planner_.rebuild(window, meta_));
                continue;
            }
            checker_.check(window, findings_);
            if (options_.scope == RepairOptions::Scope::all) plan(window);
        }
    }

    const std::vector<Finding>& findings() const noexcept { return findings_; }
    const std::vector<WindowRepair>& plans() const noexcept { return plans_; }

  private:
    void plan(WindowIndex window) {
        if (wanted()) {
            plans_.push_back(planner_.plan(window, checker_));
        } else if (has(Judgement::crossing)) {
            plans_.push_back(WindowPlanner::keep(window, checker_.meta()));
        }
        if (checker_.crossing()) {
            planner_.split(plans_.back(), *checker_.crossing(), checker_.reader());
        }
    }

    bool has(Judgement judgement) const {
        return std::any_of(
            checker_.extents().begin(), checker_.extents().end(),
            [judgement](const JudgedExtent& judged) { return judged.judgement == judgement; });
    }

    bool wanted() const {
        if (checker_.damaged()) return true;
        return options_.trust_payloads && has(Judgement::suspect_raw);
    }

    const RepairOptions& options_;
    WindowChecker checker_;
    WindowPlanner planner_;
    MetaCursor meta_;
    std::vector<Finding> findings_;
    std::vector<WindowRepair> plans_;
};

// Adds plans to the log and the result, in order.
class PlanKeeper {
  public:
    PlanKeeper(const Image& image, UndoLog* log, RepairResult& result, FindingSink& sink)
        : image_(image), log_(log), result_(result), sink_(sink) {}

    void keep(WindowRepair plan) {
        put_parts(plan);
        for (const PlannedAction& action : plan.actions)
            sink_.planned(action);
        result_.suspect_blocks += plan.suspect_blocks;
        result_.lost_blocks += plan.lost_blocks;
        result_.undecided_blocks += plan.undecided_blocks;
        if (log_ == nullptr || !plan.changes()) return;
        for (const PlannedWrite& write : plan.writes)
            log_->add(write.at_byte, write.old_bytes, write.new_bytes);
        if (plan.old_meta == plan.new_meta) return;
        const Geometry& geometry = image_.geometry();
        const std::uint64_t at = geometry.window_meta_at_byte(plan.window);
        const std::size_t length = meta_bytes_for(geometry.blocks_in_window(plan.window));
        log_->add(at, ByteView(plan.old_meta).first(length), ByteView(plan.new_meta).first(length));
    }

  private:
    // Parts of extents over borders belong to windows whose turn is yet to come.
    void put_parts(WindowRepair& plan) {
        for (const auto& [window, extent] : plan.parts)
            parts_[window].push_back(extent);
        const auto here = parts_.find(plan.window);
        if (here == parts_.end()) return;
        WindowMap map;
        for (const Extent& extent : here->second)
            map.set_extent(extent);
        WindowMeta meta{};
        map.encode(meta);
        for (const Extent& extent : here->second)
            copy_entries(meta, extent.first, extent.blocks, plan.new_meta);
        parts_.erase(here);
    }

    const Image& image_;
    UndoLog* log_;
    RepairResult& result_;
    FindingSink& sink_;
    std::map<WindowIndex, std::vector<Extent>> parts_;
};

void plan_windows(const Image& image, const RepairOptions& options, UndoLog* log,
                  RepairResult& result, FindingSink& sink, const Control& control) {
    MappedBatches mapped(image);
    AllBatches all(image);
    RebuildBatches rebuild(image);
    PlanKeeper keeper(image, log, result, sink);
    const auto take = [&](WindowBatch& batch) {
        if (options.rebuild_meta) return rebuild.take(batch);
        return options.check.manifest != nullptr ? all.take(batch) : mapped.take(batch);
    };
    const auto keep = [&](RepairWorker& worker, WindowBatch& batch) {
        for (const Finding& finding : worker.findings()) {
            result.before.add(finding);
            sink.found(finding);
        }
        for (const WindowRepair& plan : worker.plans())
            keeper.keep(plan);
        control.advance((batch.skipped + batch.count) * window_bytes);
    };
    control.begin(image.geometry().logical_bytes());
    for_each_in_order<WindowBatch>(control, take, [&] {
        return OrderedWorker{std::make_unique<RepairWorker>(image, options),
                             [](RepairWorker& worker, WindowBatch& batch) { worker.work(batch); },
                             keep};
    });
}

void plan_meta_restore(const Image& image, const Store& dump, UndoLog* log, FindingSink& sink) {
    const Geometry& geometry = image.geometry();
    if (dump.size_bytes() != geometry.meta_bytes()) {
        throw Error(ErrorKind::refused, {.file = dump.name()},
                    fmt::format("has {} bytes, the meta of {} has {}", dump.size_bytes(),
                                image.store().name(), geometry.meta_bytes()),
                    "insitu-dump-meta --binary FILE writes such a dump");
    }
    std::uint64_t changed_bytes = 0;
    AlignedBuffer old_block(block_bytes);
    AlignedBuffer new_block(block_bytes);
    for (std::uint64_t at = 0; at < geometry.meta_bytes(); at += block_bytes) {
        image.store().read_at(geometry.meta_at_byte() + at, old_block.span());
        dump.read_at(at, new_block.span());
        if (std::equal(old_block.data(), old_block.data() + block_bytes, new_block.data())) {
            continue;
        }
        changed_bytes += block_bytes;
        if (log != nullptr) {
            log->add(geometry.meta_at_byte() + at, old_block.view(), new_block.view());
        }
    }
    PlannedAction action;
    action.kind = ActionKind::restore_meta;
    action.at_byte = geometry.meta_at_byte();
    action.detail = fmt::format("{} bytes of meta differ from {}", changed_bytes, dump.name());
    sink.planned(action);
}

class NoSink final : public FindingSink {
  public:
    void found(const Finding&) override {}
};

// Whether the repair has cost more than it gave, or something else than what was planned stands on
// the medium. A resized file or a new super block makes another device of it, which cannot be
// compared; what a manifest says of a window may reach over several.
bool is_worse(const CheckResult& after, const RepairResult& result, const RepairOptions& options) {
    if (!after.super) return true;
    if (after.counts.error_blocks > result.before.error_blocks ||
        after.counts.errors > result.before.errors + result.undecided_blocks) {
        return true;
    }
    const std::uint64_t planned = result.undecided_blocks + result.suspect_blocks;
    return options.check.manifest == nullptr && options.scope == RepairOptions::Scope::all &&
           after.counts.error_blocks > planned;
}

// A manifest is evidence from outside: before it changes anything, what it leads to has to fit it.
void prove_manifest(const Store& image, const UndoLog& log, const RepairOptions& options,
                    const Control& control) {
    const Manifest* const manifest = options.check.manifest;
    if (manifest == nullptr || options.manifest_trust == RepairOptions::ManifestTrust::force)
        return;
    if (log.old_size_bytes() != log.new_size_bytes()) {
        throw Error(ErrorKind::refused, {.file = image.name()},
                    "a manifest cannot be proven while the size changes",
                    "repair the size first, then repair by the manifest");
    }
    OverlayStore result(image);
    log.preview(result);
    NoSink quiet;
    CheckOptions wanted = options.check;
    wanted.pending = PendingCheck::ignore;
    const CheckResult found =
        check(result, wanted, quiet, {control.threads, control.stop, nullptr});
    if (found.contradicted_blocks > found.confirmed_blocks) {
        throw Error(ErrorKind::refused, {.file = image.name()},
                    fmt::format("{} does not fit: {} would hold what it says, {} something else",
                                manifest->name(), counted(found.confirmed_blocks, "block"),
                                found.contradicted_blocks),
                    "is it the manifest of another image? --force believes it all the same");
    }
    if (options.approve) options.approve(result);
}

}  // namespace

RepairResult repair(Store& image, LogMedium* log_medium, const RepairOptions& options,
                    FindingSink& sink, const Control& control) {
    require_settled(image, options.check.pending);
    RepairResult result;
    const SuperVerdict verdict = judge_super(image);
    for (const Finding& finding : verdict.findings) {
        result.before.add(finding);
        sink.found(finding);
    }
    std::optional<UndoLog> log;
    if (log_medium != nullptr) log = UndoLog::create(*log_medium, image);
    UndoLog* log_or_none = log ? &*log : nullptr;
    SuperPlan plan{verdict.usable, false};
    if (options.scope == RepairOptions::Scope::all) {
        plan = plan_super(image, verdict, options, log_or_none, sink);
    }
    if (plan.usable && !plan.reformatted) {
        const Image opened(image, *plan.usable);
        require_manifest_of(opened, options.check);
        if (options.meta_dump != nullptr) {
            plan_meta_restore(opened, *options.meta_dump, log_or_none, sink);
        } else {
            plan_windows(opened, options, log_or_none, result, sink, control);
            // Rebuilding has all that decodes in its plan.
            const auto lost = options.rebuild_meta
                                  ? std::nullopt
                                  : find_lost_payloads(opened, options.check, control);
            if (lost) {
                result.before.add(*lost);
                sink.found(*lost);
            }
        }
    }
    result.after = result.before;
    if (!log) return result;
    log->seal();
    if (log->empty()) return result;
    prove_manifest(image, *log, options, control);
    result.changes_bytes = log->record_bytes();
    control.syncing();
    log->apply(image, options.resize);
    result.changed = true;

    CheckOptions again = options.check;
    again.pending = PendingCheck::ignore;
    NoSink quiet;
    const CheckResult after = check(image, again, quiet, {control.threads, nullptr, nullptr});
    const bool comparable = verdict.usable && !plan.reformatted && !options.rebuild_super &&
                            !options.rebuild_meta && options.meta_dump == nullptr &&
                            log->old_size_bytes() == log->new_size_bytes();
    if (comparable && is_worse(after, result, options)) {
        log->undo(image, options.resize);
        result.rolled_back = true;
        result.changed = false;
        return result;
    }
    result.after = after.counts;
    return result;
}

InterruptedWork finish_interrupted(Store& image, LogMedium& medium, const UndoLog::Resize& resize) {
    UndoLog log = UndoLog::open(medium);
    const LogState state = log.state();
    if (state != LogState::applying && state != LogState::undoing) return InterruptedWork::none;
    if (!log.made_for(image)) return InterruptedWork::foreign;
    log.verify(image, UndoLog::Trust::verify);
    const bool forward = state == LogState::applying;
    const std::uint64_t size = forward ? log.new_size_bytes() : log.old_size_bytes();
    if (size != image.size_bytes() && !resize) {
        throw Error(ErrorKind::refused, {.file = image.name()},
                    fmt::format("a repair was interrupted that makes {} bytes of its {} (log {})",
                                size, image.size_bytes(), medium.name()),
                    "--resize-file ends it; insitu-fsck undo takes it back");
    }
    if (forward) {
        log.apply(image, resize);
        return InterruptedWork::completed;
    }
    log.undo(image, resize);
    return InterruptedWork::rolled_back;
}

}  // namespace insitu
