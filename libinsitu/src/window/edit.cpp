// SPDX-License-Identifier: GPL-2.0-or-later
#include "window/edit.hpp"

#include <algorithm>

namespace insitu {

namespace {

// Calls visit(first, end) for each run of set bits in the mask.
template <class Visit>
void for_each_run(std::uint32_t mask, Visit visit) {
    while (mask != 0) {
        const auto first = static_cast<unsigned>(std::countr_zero(mask));
        const auto length = static_cast<unsigned>(std::countr_one(mask >> first));
        visit(first, first + length);
        mask &= ~block_mask(first, length);
    }
}

std::uint32_t mask_of(const PlannedExtent& extent) {
    return block_mask(extent.first, extent.blocks);
}

// Writing it costs twice the new payload, and later reads of single blocks decode more.
bool worth_it(std::size_t old_bytes, std::size_t new_bytes) noexcept {
    constexpr std::size_t least_part = 8;
    return new_bytes + std::max<std::size_t>(block_bytes, old_bytes / least_part) <= old_bytes;
}

}  // namespace

void WindowEditor::begin() {
    plan_.clear();
    plan_.reserve(window_blocks);
}

void WindowEditor::put_payload(unsigned first, unsigned blocks, ByteView payload) {
    encoded_bytes_ += payload.size();
    plan_.push_back({first, blocks, static_cast<unsigned>(payload.size() / sector_bytes),
                     std::make_shared<std::vector<std::byte>>(payload.begin(), payload.end())});
}

void WindowEditor::put(unsigned first, ByteView blocks) {
    put_payload(first, static_cast<unsigned>(blocks.size() / block_bytes),
                encoder_.encode(window_first_ + first, blocks));
}

// A part of a raw extent stays where it is.
void WindowEditor::keep_raw(const PlannedExtent& extent, unsigned first, unsigned end) {
    PlannedExtent rest{first, end - first, (end - first) * sectors_per_block, nullptr};
    if (extent.held) {
        const auto from = extent.held->begin() +
                          static_cast<std::ptrdiff_t>((first - extent.first) * block_bytes);
        rest.held = std::make_shared<std::vector<std::byte>>(
            from, from + static_cast<std::ptrdiff_t>(rest.blocks * block_bytes));
    }
    plan_.push_back(std::move(rest));
}

// Plans what remains of an extent that was written in part (docs/format.md §3). Returns the blocks
// of it that are really new.
std::uint32_t WindowEditor::cut(const PlannedExtent& extent, const DirtyBlocks& dirty,
                                std::uint32_t written, Rest rest) {
    const std::uint32_t whole = mask_of(extent);
    if (written == whole && !extent.unmapped()) return written;
    if (extent.unmapped()) {
        std::uint32_t changed = 0;
        for_each_run(written, [&](unsigned first, unsigned end) {
            for (unsigned block = first; block < end; ++block) {
                if (dirty.content(block) != nullptr) changed |= block_mask(block, 1);
            }
        });
        for_each_run(whole & ~changed, [&](unsigned first, unsigned end) {
            plan_.push_back({first, end - first, 0, nullptr});
        });
        return changed;
    }
    if (extent.raw()) {
        for_each_run(whole & ~written,
                     [&](unsigned first, unsigned end) { keep_raw(extent, first, end); });
        return written;
    }
    const std::uint32_t changed = written & ~dirty.unchanged();
    if (changed == 0) {
        plan_.push_back(extent);
        return 0;
    }
    ++rewritten_extents_;
    for_each_run(whole & ~changed, [&](unsigned first, unsigned end) {
        const unsigned step = rest == Rest::blocks ? 1 : end - first;
        for (; first < end; first += step) {
            put(first, content_of(dirty, first, first + step));
        }
    });
    return changed;
}

// Of blocks that are known, side by side.
ByteView WindowEditor::content_of(const DirtyBlocks& dirty, unsigned first, unsigned end) {
    if (end - first == 1 && dirty.content(first) != nullptr) {
        return {dirty.content(first), block_bytes};
    }
    const ByteSpan blocks = content_.first((end - first) * block_bytes);
    for (unsigned block = first; block < end; ++block) {
        dirty.copy(block, blocks.data() + (block - first) * block_bytes);
    }
    return blocks;
}

// Runs of what was written, each one extent; zeros are unmapped.
void WindowEditor::put_dirty(const DirtyBlocks& dirty, std::uint32_t written,
                             std::uint32_t raw_blocks) {
    std::uint32_t zeros = 0;
    for_each_run(written, [&](unsigned first, unsigned end) {
        for (unsigned block = first; block < end; ++block) {
            if (dirty.content(block) == nullptr) zeros |= block_mask(block, 1);
        }
    });
    for_each_run(zeros, [&](unsigned first, unsigned end) {
        plan_.push_back({first, end - first, 0, nullptr});
    });
    const auto put_run = [&](unsigned first, unsigned end, bool raw) {
        const ByteView blocks = content_of(dirty, first, end);
        if (raw) return put_payload(first, end - first, blocks);
        put(first, blocks);
    };
    const std::uint32_t content = written & ~zeros;
    for_each_run(content & ~raw_blocks,
                 [&](unsigned first, unsigned end) { put_run(first, end, false); });
    for_each_run(content & raw_blocks,
                 [&](unsigned first, unsigned end) { put_run(first, end, true); });
}

WindowPlan WindowEditor::merge(const WindowPlan& plan, const DirtyBlocks& dirty, Placing placing,
                               Rest rest) {
    begin();
    std::uint32_t changed = 0;
    std::uint32_t raw_blocks = 0;
    for (const PlannedExtent& extent : plan) {
        const std::uint32_t written = dirty.mask() & mask_of(extent);
        if (written == 0) {
            plan_.push_back(extent);
            continue;
        }
        if (extent.raw() && placing == Placing::keep_raw) raw_blocks |= written;
        changed |= cut(extent, dirty, written, rest);
    }
    put_dirty(dirty, changed, raw_blocks);
    changed_ = changed_ || changed != 0;
    return finish();
}

void WindowEditor::compact_run(std::span<const PlannedExtent> run, const ReadExtent& read) {
    const unsigned first = run.front().first;
    std::size_t old_bytes = 0;
    for (const PlannedExtent& extent : run)
        old_bytes += extent.payload_sectors * sector_bytes;
    const bool known_best = run.size() == 1 && run.front().compressed();
    if (!known_best && worth_it(old_bytes, sector_bytes)) {
        const ByteSpan blocks = content_.first((run.back().end() - first) * block_bytes);
        for (const PlannedExtent& extent : run) {
            read(extent,
                 blocks.subspan((extent.first - first) * block_bytes, extent.blocks * block_bytes));
        }
        const ByteView payload = encoder_.encode(window_first_ + first, blocks);
        if (worth_it(old_bytes, payload.size())) {
            changed_ = true;
            return put_payload(first, static_cast<unsigned>(blocks.size() / block_bytes), payload);
        }
    }
    plan_.insert(plan_.end(), run.begin(), run.end());
}

WindowPlan WindowEditor::compact(const WindowPlan& plan, const ReadExtent& read) {
    begin();
    const auto unmapped = [](const PlannedExtent& extent) { return extent.unmapped(); };
    for (auto at = plan.begin(); at != plan.end();) {
        if (at->unmapped()) {
            plan_.push_back(*at++);
            continue;
        }
        const auto end = std::find_if(at, plan.end(), unmapped);
        compact_run({at, end}, read);
        at = end;
    }
    return finish();
}

WindowPlan WindowEditor::finish() {
    std::sort(plan_.begin(), plan_.end(),
              [](const PlannedExtent& a, const PlannedExtent& b) { return a.first < b.first; });
    return std::move(plan_);
}

}  // namespace insitu
