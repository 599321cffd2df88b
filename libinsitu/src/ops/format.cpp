// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/format.hpp"

#include <algorithm>

#include "insitu/error.hpp"
#include "insitu/internal/engine/stop_check.hpp"
#include "insitu/internal/image/create.hpp"

namespace insitu {

namespace {

// A new file has zeros there. A large device has gigabytes of meta, so it goes in steps.
void clear_meta(Store& target, const Geometry& geometry, const Control& control) {
    constexpr std::uint64_t step_bytes = 16 << 20;
    control.begin(geometry.meta_bytes());
    for (std::uint64_t at = 0; at < geometry.meta_bytes(); at += step_bytes) {
        throw_if_stopped(control, target.name());
        const std::uint64_t length = std::min(step_bytes, geometry.meta_bytes() - at);
        target.zero(geometry.meta_at_byte() + at, length);
        control.advance(length);
    }
}

}  // namespace

SuperBlock format_image(Store& target, Algorithm algorithm, TargetContent content,
                        const Control& control, const std::optional<Identity>& identity) {
    const SuperBlock super = super_block_for(target.size_bytes(), algorithm, target.name());
    invalidate_target(target, content);
    if (content == TargetContent::unknown) clear_meta(target, Geometry(super.counts), control);
    control.syncing();
    write_super_block_last(target, super, identity);
    return super;
}

SuperBlock format_image(Target& target, Algorithm algorithm, const Control& control,
                        const std::optional<Identity>& identity) {
    target.prepare();
    const SuperBlock super =
        format_image(target.store(), algorithm, target.content(), control, identity);
    target.commit();
    return super;
}

}  // namespace insitu
