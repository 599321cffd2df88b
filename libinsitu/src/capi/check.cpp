// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/check.hpp"

#include <optional>

#include "capi/internal.hpp"
#include "face/settled_store.hpp"
#include "insitu/repair.hpp"

using namespace insitu;
using namespace insitu::capi;

namespace {

std::uint32_t severity_of(Severity severity) {
    switch (severity) {
        case Severity::note:
            return INSITU_NOTE;
        case Severity::warning:
            return INSITU_WARNING;
        case Severity::error:
            break;
    }
    return INSITU_ERROR;
}

// Hands findings to a callback.
class CallbackSink final : public FindingSink {
  public:
    CallbackSink(insitu_finding_callback callback, void* user) : callback_(callback), user_(user) {}

    void found(const Finding& finding) override {
        if (callback_ == nullptr) return;
        const FindingKind& kind = kind_of(finding.id);
        const insitu_finding told{sizeof told,
                                  kind.name,
                                  kind.text,
                                  finding.detail.c_str(),
                                  to_string(finding.effect),
                                  finding.at_byte,
                                  finding.block.value,
                                  finding.blocks,
                                  severity_of(finding.severity),
                                  0};
        if (callback_(user_, &told) != 0) throw_stopped();
    }

  private:
    insitu_finding_callback callback_;
    void* user_;
};

}  // namespace

int insitu_check(const char* path, const insitu_check_options* options,
                 const insitu_control* control, insitu_finding_callback callback, void* user,
                 insitu_check_result* result, insitu_error** error) {
    return guard(error, [&] {
        const insitu_check_options wanted = read_options(options);
        CheckOptions checking;
        // Settled as the caller said.
        checking.pending = PendingCheck::ignore;
        if (choice(wanted.meta_only, 2, "meta_only") == 1) {
            checking.depth = CheckOptions::Depth::meta;
        }
        Run run(control);
        SettledStore settled = open_settled(require(path, "path"), Access::read,
                                            sharing_of(wanted.sharing), pending_of(wanted.pending));
        CallbackSink sink(callback, user);
        const CheckResult found = check(settled.store(), checking, sink, run.control());
        insitu_check_result told{};
        told.errors = found.counts.errors;
        told.warnings = found.counts.warnings;
        told.notes = found.counts.notes;
        told.error_blocks = found.counts.error_blocks;
        write_result(result, told);
    });
}

int insitu_repair(const char* path, const insitu_repair_options* options,
                  const insitu_control* control, insitu_finding_callback callback, void* user,
                  insitu_repair_result* result, insitu_error** error) {
    return guard(error, [&] {
        const insitu_repair_options wanted = read_options(options);
        const bool dry_run = choice(wanted.dry_run, 2, "dry_run") == 1;
        RepairOptions repairing;
        repairing.check.pending = PendingCheck::ignore;
        if (choice(wanted.safe_only, 2, "safe_only") == 1) {
            repairing.scope = RepairOptions::Scope::safe;
        }
        repairing.salvage = choice(wanted.salvage, 2, "salvage") == 1;
        if (!dry_run && wanted.undo_log == nullptr) {
            refuse("undo_log is NULL: a repair needs one, unless it is a dry run");
        }
        Run run(control);
        const PendingPolicy pending = pending_of(wanted.pending);
        if (!dry_run && pending == PendingPolicy::ignore) {
            refuse("a repair cannot ignore a pending commit: it would be spoilt by it");
        }
        SettledStore settled =
            open_settled(require(path, "path"), dry_run ? Access::read : Access::read_write,
                         Sharing::exclusive, pending);
        std::optional<LogFile> log;
        if (!dry_run) log.emplace(wanted.undo_log, LogFile::Mode::create);
        CallbackSink sink(callback, user);
        const RepairResult done =
            repair(settled.store(), log ? &*log : nullptr, repairing, sink, run.control());
        insitu_repair_result told{};
        told.errors_before = done.before.errors;
        told.errors_after = done.after.errors;
        told.lost_blocks = done.lost_blocks;
        told.suspect_blocks = done.suspect_blocks;
        told.undecided_blocks = done.undecided_blocks;
        told.changed = done.changed ? 1U : 0U;
        told.rolled_back = done.rolled_back ? 1U : 0U;
        write_result(result, told);
    });
}
