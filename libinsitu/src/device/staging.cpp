// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/staging.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "insitu/error.hpp"
#include "window/zero_blocks.hpp"

namespace insitu {

namespace {

std::uint32_t mask_of(const WindowPart& part) {
    return block_mask(part.first, part.blocks());
}

// Calls visit(block) for each bit of the mask.
template <class Visit>
void for_each_block(std::uint32_t mask, Visit visit) {
    for (; mask != 0; mask &= mask - 1)
        visit(static_cast<unsigned>(std::countr_zero(mask)));
}

// Whether the part leaves some of a compressed extent, which then is encoded again.
bool is_rewritten(const PlannedExtent& extent, std::uint32_t written) {
    const std::uint32_t whole = block_mask(extent.first, extent.blocks);
    return extent.compressed() && (written & whole) != 0 && (written & whole) != whole;
}

// What is written to the blocks of a part; zeros are never content.
class BlockContents {
  public:
    BlockContents(const WindowPart& part, const std::byte* content) {
        if (content == nullptr) return;
        for (unsigned block = part.first; block < part.end; ++block, content += block_bytes) {
            if (is_zero({content, block_bytes})) continue;
            contents_[block] = content;
            mask_ |= block_mask(block, 1);
        }
    }
    // Null for zeros.
    const std::byte* of(unsigned block) const noexcept { return contents_[block]; }
    std::uint32_t mask() const noexcept { return mask_; }

  private:
    std::uint32_t mask_ = 0;
    std::array<const std::byte*, window_blocks> contents_{};
};

std::span<const PlannedExtent> overlapping(const WindowPlan& plan, unsigned first, unsigned end) {
    const auto overlaps = [&](const PlannedExtent& extent) {
        return extent.first < end && extent.end() > first;
    };
    const auto from = std::find_if(plan.begin(), plan.end(), overlaps);
    return {from, std::find_if_not(from, plan.end(), overlaps)};
}

}  // namespace

SectorMask Staging::holes(WindowIndex window) {
    if (stripe_of(window).staged.count(window.value) != 0) return {};
    const auto map = medium_.plain_map(window);
    if (!map) return {};
    const unsigned blocks = medium_.geometry().blocks_in_window(window);
    return SectorMask::range(0, blocks * sectors_per_block) - sectors_in_place(*map);
}

StagedWindow Staging::stage(const WindowPart& part) {
    StagedWindow staged;
    staged.before = medium_.meta().get(part.window);
    const unsigned blocks = medium_.geometry().blocks_in_window(part.window);
    if (const auto map = medium_.plain_map(part.window)) {
        staged.plan = plan_of(*map);
        staged.on_medium = sectors_in_place(staged.plan);
        return staged;
    }
    // Only a request that leaves nothing of what cannot be trusted goes on.
    const bool crosses =
        medium_.starts_with_tail(part.window) || medium_.starts_with_tail(part.window + 1);
    if (part.blocks() < blocks || crosses) {
        throw Error(ErrorKind::damaged, medium_.place_of(part.window, part.first),
                    crosses ? "cannot write: an extent crosses the border of this window"
                            : "cannot write into a window whose meta is unsound",
                    crosses ? "unpacking and packing again makes extents that the driver would"
                            : "insitu-fsck reports what can be repaired");
    }
    staged.plan = {{0, blocks, 0, nullptr}};
    staged.on_medium = SectorMask::all();
    staged.changed = true;
    return staged;
}

// What a commit may have to journal for this request, beyond what is reserved: the blocks
// themselves, and all of the extents that are encoded again for it.
std::uint64_t Staging::cost_of(const StagedWindow& staged, const WindowPart& part,
                               const std::byte* content, std::uint32_t& accounted) const {
    accounted = staged.accounted;
    if (content != nullptr) accounted |= mask_of(part);
    for (const PlannedExtent& extent : overlapping(staged.plan, part.first, part.end)) {
        if (is_rewritten(extent, mask_of(part)))
            accounted |= block_mask(extent.first, extent.blocks);
    }
    const auto fresh = static_cast<unsigned>(std::popcount(accounted & ~staged.accounted));
    const bool is_first = staged.reserved_bytes == 0;
    return fresh * block_bytes + (is_first ? window_overhead_bytes : 0);
}

// Compressed extents that the part leaves some of are decoded now: whoever writes hears of damage,
// and the commit has their content. Returns the blocks that were read, which are in the workspace's
// content at their places in the window.
std::uint32_t Staging::read_touched(const StagedWindow& staged, const WindowPart& part,
                                    std::optional<Workspaces::Loan>& workspace) {
    std::uint32_t blocks = 0;
    for (const PlannedExtent& extent : overlapping(staged.plan, part.first, part.end)) {
        const std::uint32_t whole = block_mask(extent.first, extent.blocks);
        if (!is_rewritten(extent, mask_of(part)) || (staged.dirty.mask() & whole) != 0) continue;
        if (!workspace) workspace.emplace(medium_.workspaces());
        const ByteSpan content = (**workspace).content.span();
        medium_.read_extent(
            part.window, extent,
            content.subspan(extent.first * block_bytes, extent.blocks * block_bytes), **workspace);
        blocks |= whole;
    }
    return blocks;
}

// Whether a commit of it writes over sectors of blocks that nobody wrote to.
bool Staging::needs_journal(const StagedWindow& staged, const WindowPart& part) const {
    const auto extents = overlapping(staged.plan, part.first, part.end);
    return std::any_of(extents.begin(), extents.end(), [&](const PlannedExtent& extent) {
        return is_rewritten(extent, mask_of(part) | staged.dirty.mask());
    });
}

RedoSpace::Journal Staging::journal_for(const StagedWindow& staged, const WindowPart& part) const {
    if (!needs_journal(staged, part)) return RedoSpace::Journal::needless;
    return options_.unprotected == UnprotectedCommits::allow ? RedoSpace::Journal::wanted
                                                             : RedoSpace::Journal::required;
}

void Staging::refuse_unprotected(const WindowPart& part) const {
    throw Error(ErrorKind::refused, medium_.place_of(part.window, part.first),
                "the image is full: no hole is left for the journal that protects this write",
                "unprotected=allow writes without it: blocks that were not written could be "
                "lost in a power cut",
                ENOSPC);
}

bool Staging::is_unmapped(const WindowPart& part) {
    const Stripe& stripe = stripe_of(part.window);
    const auto found = stripe.staged.find(part.window.value);
    if (found == stripe.staged.end()) {
        const auto map = medium_.plain_map(part.window);
        if (!map) return false;
        for (unsigned block = part.first; block < part.end; ++block) {
            if (map->is_tail(block) || map->share(block) != 0) return false;
        }
        return true;
    }
    const StagedWindow& staged = found->second;
    if ((staged.dirty.mask() & mask_of(part)) != 0) return false;
    const auto extents = overlapping(staged.plan, part.first, part.end);
    return std::all_of(extents.begin(), extents.end(),
                       [](const PlannedExtent& extent) { return extent.unmapped(); });
}

// A window that is being staged: it is not, after all, unless it is kept. Counting it elsewhere
// comes when there is a place for it here.
class Staging::NewWindow {
  public:
    NewWindow(Stripe& stripe, WindowIndex window, StagedWindow staged)
        : stripe_(&stripe), window_(window.value) {
        stripe.staged.emplace(window_, std::move(staged));
    }
    ~NewWindow() {
        if (stripe_ != nullptr) stripe_->staged.erase(window_);
    }
    NewWindow(const NewWindow&) = delete;
    NewWindow& operator=(const NewWindow&) = delete;
    void keep() noexcept { stripe_ = nullptr; }

  private:
    Stripe* stripe_;
    std::uint64_t window_;
};

Staging::Result Staging::write(const WindowPart& part, const std::byte* content) {
    const WindowIndex window = part.window;
    Stripe& stripe = stripe_of(window);
    if (content == nullptr) {
        // Nothing to do is not worth a commit.
        const std::shared_lock lock(stripe.mutex);
        if (is_unmapped(part)) return Result::staged;
    }
    const std::unique_lock lock(stripe.mutex);
    const bool first_change = stripe.staged.count(window.value) == 0;
    std::optional<NewWindow> fresh;
    if (first_change) fresh.emplace(stripe, window, stage(part));
    StagedWindow& staged = stripe.staged.at(window.value);
    std::uint32_t accounted = 0;
    const std::uint64_t cost = cost_of(staged, part, content, accounted);
    std::optional<Workspaces::Loan> workspace;
    const std::uint32_t touched = read_touched(staged, part, workspace);
    const BlockContents contents(part, content);
    SpareBlocks spare(blocks_, static_cast<unsigned>(std::popcount(
                                   staged.dirty.without_memory(touched | contents.mask()))));
    const auto admission = space_.admit(
        {window, first_change, cost, staged.reserved_bytes + cost, journal_for(staged, part)});
    if (admission == RedoSpace::Admission::no_room) refuse_unprotected(part);
    if (admission == RedoSpace::Admission::commit_first) return Result::commit_first;
    // Nothing from here on can fail.
    if (fresh) fresh->keep();
    staged.accounted = accounted;
    staged.reserved_bytes += cost;
    for_each_block(touched, [&](unsigned block) {
        staged.dirty.keep(block, (**workspace).content.data() + block * block_bytes, spare);
    });
    for (unsigned block = part.first; block < part.end; ++block)
        staged.dirty.set(block, contents.of(block), spare);
    ++sequence_;
    return admission == RedoSpace::Admission::admitted_risky ? Result::commit_now : Result::staged;
}

RedoSpace::Admission Staging::stage_for_change(WindowIndex window) {
    Stripe& stripe = stripe_of(window);
    const bool first_change = stripe.staged.count(window.value) == 0;
    std::optional<NewWindow> fresh;
    if (first_change) fresh.emplace(stripe, window, stage({window, 0, 0}));
    StagedWindow& staged = stripe.staged.at(window.value);
    const auto admission =
        space_.admit({window, first_change, worst_window_bytes,
                      staged.reserved_bytes + worst_window_bytes, RedoSpace::Journal::required});
    if (admission == RedoSpace::Admission::commit_first ||
        admission == RedoSpace::Admission::no_room) {
        return admission;
    }
    if (fresh) fresh->keep();
    staged.reserved_bytes += worst_window_bytes;
    return admission;
}

void Staging::read(const WindowPart& part, ByteSpan output, Workspace& space) {
    Stripe& stripe = stripe_of(part.window);
    const std::shared_lock lock(stripe.mutex);
    const auto found = stripe.staged.find(part.window.value);
    if (found == stripe.staged.end()) {
        const auto map = medium_.plain_map(part.window);
        if (!map) return medium_.read_unsound(part, output);
        std::array<PlannedExtent, window_blocks> extents;
        std::size_t count = 0;
        unsigned head = part.first;
        while (map->is_tail(head))
            --head;
        while (head < part.end) {
            const Extent extent = map->extent_at(head);
            extents[count++] = {extent.first, extent.blocks, extent.payload_sectors, nullptr};
            head += extent.blocks;
        }
        return medium_.read_planned(part, std::span(extents).first(count), output, space);
    }
    const StagedWindow& staged = found->second;
    for (unsigned first = part.first; first < part.end;) {
        const ByteSpan rest = output.subspan((first - part.first) * block_bytes);
        if (staged.dirty.knows(first)) {
            staged.dirty.copy(first++, rest.data());
            continue;
        }
        unsigned end = first + 1;
        while (end < part.end && !staged.dirty.knows(end))
            ++end;
        medium_.read_planned({part.window, first, end}, overlapping(staged.plan, first, end),
                             rest.first((end - first) * block_bytes), space);
        first = end;
    }
}

void Staging::map(const WindowPart& part, const VisitRun& visit) {
    Stripe& stripe = stripe_of(part.window);
    const std::shared_lock lock(stripe.mutex);
    const BlockIndex start = first_block_of(part.window);
    const auto found = stripe.staged.find(part.window.value);
    const bool is_staged = found != stripe.staged.end();
    const auto map = is_staged ? std::nullopt : medium_.plain_map(part.window);
    if (!map && !is_staged) return visit(start + part.first, part.blocks(), true);
    const WindowPlan plan = map ? plan_of(*map) : found->second.plan;
    for (const PlannedExtent& extent : plan) {
        for (unsigned block = std::max(extent.first, part.first);
             block < std::min(extent.end(), part.end); ++block) {
            const bool is_dirty = is_staged && found->second.dirty.test(block);
            visit(start + block, 1,
                  is_dirty ? found->second.dirty.content(block) != nullptr : !extent.unmapped());
        }
    }
}

}  // namespace insitu
