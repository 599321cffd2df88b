// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>

#include "insitu/internal/api.hpp"
#include "insitu/internal/format/identity.hpp"
#include "insitu/store.hpp"

namespace insitu {

// What is to become of the name of an image; none: that part stays.
struct NameChange {
    std::optional<Uuid> uuid = {};
    std::optional<std::string> label = {};

    bool empty() const noexcept { return !uuid && !label; }
};

// A name after a change. An image without a name that is given a label is given a random UUID.
INSITU_API std::optional<Identity> changed_name(std::optional<Identity> name,
                                                const NameChange& change);

// The name of the image in `store`, changed before if there is something to change: one sector is
// written, which a power cut leaves old or new, and synced. A pending intent stays as it is. Throws
// what Image::open() throws, `io` Errors, and `refused` for a label that is not valid.
INSITU_API std::optional<Identity> name_image(Store& store, const NameChange& change);

}  // namespace insitu
