#include "insitu/ops/format.hpp"

#include "insitu/image/create.hpp"

namespace insitu {

SuperBlock format_image(Store& target, Algorithm algorithm, TargetContent content) {
    const SuperBlock super = super_block_for(target.size_bytes(), algorithm, target.name());
    invalidate_target(target, content);
    MetaWriter(target, Geometry(super.counts), content).finish();
    write_super_block_last(target, super);
    return super;
}

}  // namespace insitu
