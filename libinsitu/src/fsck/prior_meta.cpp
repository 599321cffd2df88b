// SPDX-License-Identifier: GPL-2.0-or-later
#include "fsck/prior_meta.hpp"

#include <algorithm>

namespace insitu {

namespace {

// Whether shares that make no sense are nearer to those of a raw extent than to those of any
// compressed one: counts the shares that would have to be others.
bool nearly_raw(const WindowMap& map, const Extent& extent) {
    const auto count_not = [&](unsigned share, unsigned first, unsigned count) {
        unsigned sum = 0;
        for (unsigned i = first; i < first + count; ++i)
            sum += map.share(extent.first + i) != share ? 1 : 0;
        return sum;
    };
    const unsigned against_raw = count_not(sectors_per_block, 0, extent.blocks);
    for (unsigned full = 0; full < extent.blocks; ++full) {
        const unsigned last = map.share(extent.first + full) >= sectors_per_block ? 1 : 0;
        const unsigned against = count_not(sectors_per_block, 0, full) + last +
                                 count_not(0, full + 1, extent.blocks - full - 1);
        if (against <= against_raw) return false;
    }
    return true;
}

}  // namespace

PriorMeta::PriorMeta(const WindowMap* map, std::span<const JudgedExtent> judged)
    : map_(map), judged_(judged) {
    for (const JudgedExtent& extent : judged) {
        if (extent.judgement != Judgement::broken_meta) continue;
        if (nearly_raw(*map, extent.extent)) nearly_raw_ |= mask_of(extent.extent);
    }
}

bool PriorMeta::raw(unsigned block) const noexcept {
    if (map_ == nullptr) return false;
    return map_->share(block) == sectors_per_block || ((nearly_raw_ >> block) & 1) != 0;
}

bool PriorMeta::agrees(const Extent& extent) const noexcept {
    return map_ != nullptr && !map_->is_tail(extent.first) &&
           map_->extent_at(extent.first) == extent;
}

bool PriorMeta::denies(const Extent& extent) const noexcept {
    if (((nearly_raw_ >> extent.first) & 1) == 0) return false;
    const auto prior =
        std::find_if(judged_.begin(), judged_.end(), [&](const JudgedExtent& judged) {
            return overlap(judged.extent, {extent.first, 1, 0});
        });
    const unsigned end =
        std::min(prior->extent.first + prior->extent.blocks, extent.first + extent.blocks);
    unsigned left = extent.payload_sectors;
    unsigned against = 0;
    unsigned against_raw = 0;
    for (unsigned block = extent.first; block < end; ++block) {
        const unsigned share = std::min(left, sectors_per_block);
        left -= share;
        against += map_->share(block) != share ? 1 : 0;
        against_raw += map_->share(block) != sectors_per_block ? 1 : 0;
    }
    return against > against_raw;
}

bool PriorMeta::names_payload(unsigned block) const noexcept {
    return std::any_of(judged_.begin(), judged_.end(), [&](const JudgedExtent& judged) {
        return judged.judgement == Judgement::broken && overlap(judged.extent, {block, 1, 0});
    });
}

}  // namespace insitu
