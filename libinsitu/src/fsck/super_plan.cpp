// SPDX-License-Identifier: GPL-2.0-or-later
#include "fsck/super_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "insitu/internal/store/aligned_buffer.hpp"
#include "window/zero_blocks.hpp"

namespace insitu {

namespace {

constexpr std::size_t fields_bytes = 33;  // what lies behind is not ours (docs/format.md §2.1)

class SuperPlanner {
  public:
    SuperPlanner(const Store& store, UndoLog* log, FindingSink& sink)
        : store_(store), log_(log), sink_(sink) {}

    void write_super(const SuperBlock& super, const std::string& detail) {
        AlignedBuffer old_block(block_bytes);
        AlignedBuffer new_block(block_bytes);
        store_.read_at(0, old_block.span());
        AlignedBuffer fields(block_bytes);
        encode_super_block(super, fields.span().first<block_bytes>());
        std::memcpy(new_block.data(), old_block.data(), block_bytes);
        std::memcpy(new_block.data(), fields.data(), fields_bytes);
        if (std::memcmp(new_block.data(), old_block.data(), block_bytes) == 0) return;
        if (log_ != nullptr) log_->add(0, old_block.view(), new_block.view());
        PlannedAction action;
        action.kind = ActionKind::write_super;
        action.detail = detail;
        sink_.planned(action);
    }

    // Keeps what a shorter file loses.
    void resize(std::uint64_t size_bytes) {
        PlannedAction action;
        action.kind = ActionKind::resize;
        action.at_byte = size_bytes;
        action.detail = fmt::format("from {} to {} bytes", store_.size_bytes(), size_bytes);
        sink_.planned(action);
        if (log_ == nullptr) return;
        log_->set_new_size(size_bytes);
        keep(size_bytes, store_.size_bytes());
    }

    // Logs what is not zeros in [from, to), to become zeros.
    void keep(std::uint64_t from, std::uint64_t to) {
        if (log_ == nullptr) return;
        constexpr std::uint64_t step = 64 * block_bytes;
        AlignedBuffer piece(step);
        const AlignedBuffer zeros = zero_buffer(step);
        for (std::uint64_t at = from; at < to;) {
            const std::uint64_t data = std::min(store_.next_data(at), to);
            at = std::max(at, data);
            const std::uint64_t length = std::min(step, to - at);
            if (length == 0) return;
            store_.read_at(at, piece.first(length));
            if (!is_zero(piece.first(length))) {
                log_->add(at, piece.first(length), zeros.view().first(length));
            }
            at += length;
        }
    }

  private:
    static AlignedBuffer zero_buffer(std::size_t size_bytes) {
        AlignedBuffer buffer(size_bytes);
        std::memset(buffer.data(), 0, size_bytes);
        return buffer;
    }

    const Store& store_;
    UndoLog* log_;
    FindingSink& sink_;
};

bool found(const SuperVerdict& verdict, FindingId id) {
    return std::any_of(verdict.findings.begin(), verdict.findings.end(),
                       [id](const Finding& finding) { return finding.id == id; });
}

bool zeros_in(const Store& store, std::uint64_t from, std::uint64_t to) {
    constexpr std::uint64_t step = 64 * block_bytes;
    AlignedBuffer piece(step);
    for (std::uint64_t at = from; at < to; at += step) {
        at = std::max(at, store.next_data(at));
        if (at >= to) break;
        const ByteSpan bytes = piece.first(std::min(step, to - at));
        store.read_at(at, bytes);
        if (!is_zero(bytes)) return false;
    }
    return true;
}

// A device that no driver could ever open holds nothing, unless its meta says otherwise: then it is
// made anew at the nearest size, with every block unmapped.
bool plan_unusable(const Store& store, const SuperVerdict& verdict, SuperPlanner& planner) {
    const std::uint64_t size = store.size_bytes();
    const std::uint64_t meta_end =
        std::min(size, (1 + counts_for_device(size).meta_blocks) * block_bytes);
    if (counts_addressable(counts_for_device(size)) && !zeros_in(store, block_bytes, meta_end)) {
        return false;
    }
    const NearestSizes nearest = nearest_usable_sizes(size);
    const std::uint64_t target = nearest.below_bytes.value_or(nearest.above_bytes);
    SuperBlock super = verdict.stored;
    super.magic = super_magic;
    super.version = super_version;
    super.counts = counts_for_device(target);
    if (super.comp_alg > 1) super.comp_alg = 0;
    const std::uint64_t new_meta_end = (1 + super.counts.meta_blocks) * block_bytes;
    planner.write_super(
        super, fmt::format("counts of a device of {} bytes; every block unmapped", target));
    planner.keep(block_bytes, std::min(size, new_meta_end));
    planner.resize(target);
    return true;
}

}  // namespace

SuperPlan plan_super(const Store& store, const SuperVerdict& verdict, const RepairOptions& options,
                     UndoLog* log, FindingSink& sink) {
    SuperPlanner planner(store, log, sink);
    SuperPlan plan{verdict.usable, false};
    if (options.rebuild_super) {
        const SuperBlock super = super_from_evidence(
            store, options.rebuild_without_evidence ? Evidence::waived : Evidence::required);
        planner.write_super(super, fmt::format("{} meta and {} data blocks, {}",
                                               super.counts.meta_blocks, super.counts.data_blocks,
                                               to_string(static_cast<Algorithm>(super.comp_alg))));
        plan.usable = super;
        return plan;
    }
    if (found(verdict, FindingId::s06)) {
        plan.reformatted = options.resize && plan_unusable(store, verdict, planner);
        return plan;
    }
    if (!verdict.usable) return plan;
    SuperBlock super = verdict.stored;
    super.magic = super_magic;
    super.comp_alg = verdict.usable->comp_alg;
    planner.write_super(super, fmt::format("magic and algorithm ({})",
                                           to_string(static_cast<Algorithm>(super.comp_alg))));
    if (found(verdict, FindingId::s03) && verdict.wanted_bytes && options.resize) {
        planner.resize(*verdict.wanted_bytes);
    }
    return plan;
}

}  // namespace insitu
