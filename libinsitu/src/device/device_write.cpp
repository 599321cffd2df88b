#include <algorithm>
#include <cstring>

#include "device/device_core.hpp"
#include "image/zero_blocks.hpp"
#include "insitu/error.hpp"

namespace insitu {

namespace {

// What a stream holds of a window besides its payloads, at most.
constexpr std::uint64_t window_overhead_bytes =
    redo_window_bytes + longest_run_sectors * (redo_piece_bytes + redo_hash_bytes);
// A request makes no more than a window of payload.
constexpr std::uint64_t worst_bytes = window_bytes + window_overhead_bytes;

}  // namespace

// A new extent of these blocks.
void Device::Core::put(Edit& edit, unsigned first, ByteView blocks) {
    place(edit, first, blocks.size(), edit.space.encoder.encode(blocks));
}

// Its payload is written in place where nobody needs what is there.
void Device::Core::place(Edit& edit, unsigned first, std::size_t content_bytes, ByteView payload) {
    counters_.encoded += payload.size();
    PlannedExtent extent{first, static_cast<unsigned>(content_bytes / block_bytes),
                         static_cast<unsigned>(payload.size() / sector_bytes), nullptr};
    const SectorMask place = sector_range(extent.first_sector(), extent.payload_sectors);
    if ((place & edit.needed).any()) {
        extent.held = std::make_shared<std::vector<std::byte>>(payload.begin(), payload.end());
    } else {
        // Behind the write: a sync that clears it before has not seen it. A part of a failed write
        // may be there, too.
        struct Unsynced {
            std::atomic<bool>& flag;
            ~Unsynced() { flag = true; }
        } const unsynced{holes_unsynced_};
        store_->write_at(window_at_byte(edit.window) + first * block_bytes, payload);
        counters_.compressed += payload.size();
    }
    edit.plan.push_back(std::move(extent));
}

// A part of a raw extent stays where it is.
void Device::Core::keep_raw(Edit& edit, const PlannedExtent& extent, unsigned first, unsigned end) {
    PlannedExtent rest{first, end - first, (end - first) * sectors_per_block, nullptr};
    if (extent.held) {
        const auto from = extent.held->begin() +
                          static_cast<std::ptrdiff_t>((first - extent.first) * block_bytes);
        rest.held = std::make_shared<std::vector<std::byte>>(
            from, from + static_cast<std::ptrdiff_t>(rest.blocks * block_bytes));
    }
    edit.plan.push_back(std::move(rest));
}

// What remains of an old extent that the request covers in part (docs/format.md §3).
void Device::Core::cut(Edit& edit, const WindowPart& part, ByteView content,
                       const PlannedExtent& extent) {
    const bool before = extent.first < part.first;
    const bool behind = extent.end() > part.end;
    if (extent.unmapped()) {
        if (before) edit.plan.push_back({extent.first, part.first - extent.first, 0, nullptr});
        if (behind) edit.plan.push_back({part.end, extent.end() - part.end, 0, nullptr});
        return;
    }
    if (!before && !behind) return;
    if (extent.raw()) {
        if (before) keep_raw(edit, extent, extent.first, part.first);
        if (behind) keep_raw(edit, extent, part.end, extent.end());
        return;
    }
    const ByteSpan whole = edit.space.content.first(extent.blocks * block_bytes);
    content_of(part.window, extent, whole, edit.space);
    ++counters_.rewritten;
    const auto offset = [&](unsigned block) { return (block - extent.first) * block_bytes; };
    if (before && behind && !content.empty()) {
        std::memcpy(whole.data() + offset(part.first), content.data(), content.size());
        edit.patched = true;
        return put(edit, extent.first, whole);
    }
    if (before) put(edit, extent.first, whole.first(offset(part.first)));
    if (behind) put(edit, part.end, whole.subspan(offset(part.end)));
}

Device::Core::Edit::Edit(WindowIndex edited, const StagedWindow& staged, SectorMask redo,
                         Workspace& workspace)
    : window(edited),
      needed(staged.on_medium | sectors_in_place(staged.plan) | redo),
      space(workspace) {}

WindowPlan Device::Core::Edit::finish() {
    std::sort(plan.begin(), plan.end(),
              [](const PlannedExtent& a, const PlannedExtent& b) { return a.first < b.first; });
    return std::move(plan);
}

WindowPlan Device::Core::change_plan(const StagedWindow& staged, const WindowPart& part,
                                     ByteView content) {
    Workspaces::Loan workspace(workspaces_);
    Edit edit(part.window, staged, space_.current(part.window), *workspace);
    for (const PlannedExtent& extent : staged.plan) {
        if (extent.end() <= part.first || extent.first >= part.end) {
            edit.plan.push_back(extent);
        } else {
            cut(edit, part, content, extent);
            content_.forget(first_block_of(part.window) + extent.first, extent.blocks);
        }
    }
    if (content.empty()) {
        edit.plan.push_back({part.first, part.blocks(), 0, nullptr});
    } else if (!edit.patched) {
        put(edit, part.first, content);
    }
    return edit.finish();
}

StagedWindow Device::Core::stage(const WindowPart& part) {
    StagedWindow staged;
    staged.before = meta_.get(part.window);
    const unsigned blocks = geometry_.blocks_in_window(part.window);
    if (const auto map = plain_map(part.window)) {
        staged.plan = plan_of(*map);
        staged.on_medium = sectors_in_place(staged.plan);
        return staged;
    }
    // Only a request that leaves nothing of what cannot be trusted goes on.
    const bool crosses = starts_with_tail(part.window) || starts_with_tail(part.window + 1);
    if (part.blocks() < blocks || crosses) {
        throw Error(ErrorKind::damaged, place_of(part.window, part.first),
                    crosses ? "cannot write: an extent crosses the border of this window"
                            : "cannot write into a window whose meta is unsound",
                    crosses ? "unpacking and packing again makes extents that the driver would"
                            : "insitu-fsck tells what can be repaired");
    }
    staged.plan = {{0, blocks, 0, nullptr}};
    staged.on_medium.set();
    return staged;
}

// Changes what is staged of the part's window by what `change` makes of it; none: not at all.
Device::Core::Staging Device::Core::stage_change(const WindowPart& part, const Change& change) {
    const InsideGate inside(gate_);
    Stripe& stripe = stripe_of(part.window);
    const std::unique_lock lock(stripe.mutex);
    const auto found = stripe.staged.find(part.window.value);
    const bool newly = found == stripe.staged.end();
    if (!space_.admit(part.window, newly, worst_bytes)) return Staging::no_room;
    std::int64_t actual = 0;
    Staging result = Staging::unchanged;
    try {
        StagedWindow staged = newly ? stage(part) : found->second;
        const std::uint64_t held_before = held_bytes(staged.plan);
        if (std::optional<WindowPlan> plan = change(staged)) {
            staged.plan = std::move(*plan);
            actual = static_cast<std::int64_t>(held_bytes(staged.plan)) -
                     static_cast<std::int64_t>(held_before) +
                     (newly ? static_cast<std::int64_t>(window_overhead_bytes) : 0);
            stripe.staged[part.window.value] = std::move(staged);
            result = Staging::changed;
        }
    } catch (...) {
        space_.adjust(-static_cast<std::int64_t>(worst_bytes));
        throw;
    }
    space_.adjust(actual - static_cast<std::int64_t>(worst_bytes));
    if (result == Staging::changed) ++written_sequence_;
    return result;
}

void Device::Core::write_part(const WindowPart& part, ByteView content) {
    check_failed();
    const Change change = [&](const StagedWindow& staged) {
        return change_plan(staged, part, content);
    };
    while (stage_change(part, change) == Staging::no_room)
        commit_all();
    if (options_.compaction == Compaction::idle) to_compact_.add(part.window);
}

void Device::Core::write(std::uint64_t at_byte, std::uint64_t length_bytes,
                         const std::byte* content) {
    if (options_.access == Access::read) {
        throw Error(ErrorKind::refused, {.file = store_->name()},
                    "the device was opened for reading only");
    }
    for_each_part(at_byte, length_bytes,
                  [&](const WindowPart& part, std::uint64_t done, std::uint64_t length) {
                      ByteView bytes;
                      if (content != nullptr) bytes = {content + done, length};
                      if (!bytes.empty() && is_zero(bytes)) bytes = {};
                      write_part(part, bytes);
                  });
    ++counters_.writes;
    counters_.uncompressed += content != nullptr ? length_bytes : 0;
}

}  // namespace insitu
