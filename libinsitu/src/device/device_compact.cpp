#include <algorithm>

#include "device/device_core.hpp"
#include "insitu/error.hpp"

// Background work: what many small requests left of a window is put together again. It goes the
// way of every other change, so a cut finds the old extents or the new one.
namespace insitu {

namespace {

// Writing it costs twice the new payload, and later reads of single blocks decode more.
bool worth_it(std::size_t old_bytes, std::size_t new_bytes) noexcept {
    constexpr std::size_t least_part = 8;
    return new_bytes + std::max<std::size_t>(block_bytes, old_bytes / least_part) <= old_bytes;
}

}  // namespace

// Mapped extents side by side become one, where that saves space.
void Device::Core::compact_run(Edit& edit, std::span<const PlannedExtent> run) {
    const unsigned first = run.front().first;
    std::size_t old_bytes = 0;
    for (const PlannedExtent& extent : run)
        old_bytes += extent.payload_sectors * sector_bytes;
    const bool known_best = run.size() == 1 && run.front().compressed();
    if (!known_best && worth_it(old_bytes, sector_bytes)) {
        const ByteSpan blocks = edit.space.content.first((run.back().end() - first) * block_bytes);
        for (const PlannedExtent& extent : run) {
            content_of(
                edit.window, extent,
                blocks.subspan((extent.first - first) * block_bytes, extent.blocks * block_bytes),
                edit.space);
        }
        const ByteView payload = edit.space.encoder.encode(blocks);
        if (worth_it(old_bytes, payload.size())) {
            content_.forget(first_block_of(edit.window) + first, blocks.size() / block_bytes);
            edit.patched = true;
            return place(edit, first, blocks.size(), payload);
        }
    }
    edit.plan.insert(edit.plan.end(), run.begin(), run.end());
}

std::optional<WindowPlan> Device::Core::compact_plan(const StagedWindow& staged,
                                                     WindowIndex window) {
    Workspaces::Loan workspace(workspaces_);
    Edit edit(window, staged, space_.current(window), *workspace);
    const auto unmapped = [](const PlannedExtent& extent) { return extent.unmapped(); };
    for (auto at = staged.plan.begin(); at != staged.plan.end();) {
        if (at->unmapped()) {
            edit.plan.push_back(*at++);
            continue;
        }
        const auto end = std::find_if(at, staged.plan.end(), unmapped);
        compact_run(edit, {at, end});
        at = end;
    }
    if (!edit.patched) return std::nullopt;
    return edit.finish();
}

bool Device::Core::compact_window(WindowIndex window) {
    const WindowPart nothing{window, 0, 0};
    const Change change = [&](const StagedWindow& staged) { return compact_plan(staged, window); };
    for (;;) {
        const Staging result = stage_change(nothing, change);
        if (result != Staging::no_room) return result == Staging::changed;
        commit_all();
    }
}

void Device::Core::compact(const std::function<bool()>& stop) {
    while (!stop()) {
        const auto window = to_compact_.take();
        if (!window) break;
        check_failed();
        try {
            if (compact_window(*window)) ++counters_.compacted;
        } catch (const Error& error) {
            // What cannot be read stays as it is; whoever reads it is told.
            if (error.kind() != ErrorKind::damaged && error.kind() != ErrorKind::io) throw;
        }
    }
}

}  // namespace insitu
