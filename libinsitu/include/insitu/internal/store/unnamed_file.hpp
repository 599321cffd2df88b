// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "insitu/internal/api.hpp"
#include "insitu/internal/store/unique_fd.hpp"

namespace insitu {

// Opens an empty file in `directory` that has no name and that only its owner may read: it is gone
// when it is closed, whatever happens. Throws an `io` Error.
INSITU_API UniqueFd make_unnamed_file(const std::string& directory);

}  // namespace insitu
