// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/face/name_image.hpp"

#include "insitu/internal/image/create.hpp"
#include "insitu/internal/image/image.hpp"

namespace insitu {

std::optional<Identity> changed_name(std::optional<Identity> name, const NameChange& change) {
    if (change.empty()) return name;
    if (!name) name = Identity{change.uuid ? *change.uuid : random_uuid(), {}};
    if (change.uuid) name->uuid = *change.uuid;
    if (change.label) name->label = *change.label;
    return name;
}

std::optional<Identity> name_image(Store& store, const NameChange& change) {
    // A name over what is no image would be written into the middle of something else. A pending
    // commit has nothing of that sector.
    static_cast<void>(Image::open(store, SizeCheck::trust_super, PendingCheck::ignore));
    std::optional<Identity> name = changed_name(read_identity(store), change);
    if (!change.empty()) write_identity(store, *name);
    return name;
}

}  // namespace insitu
