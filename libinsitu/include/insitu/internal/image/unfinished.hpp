// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>

#include "insitu/internal/api.hpp"
#include "insitu/internal/format/unfinished.hpp"
#include "insitu/store.hpp"

// Images on which a tool was interrupted that changes them as a whole.
namespace insitu {

// What sector 0 says; none for an ordinary image and for anything else. Throws `io` Errors.
[[nodiscard]] INSITU_API std::optional<UnfinishedWork> unfinished_work(const Store& store);

// Throws a `refused` Error that says what has to be finished first, if there is such work.
INSITU_API void refuse_unfinished(const Store& store);

// Writes sector 0 and nothing else, with a sync before and after: what was written until now is on
// the medium before it, and what is written from now on comes after it.
INSITU_API void write_unfinished(Store& store, const UnfinishedWork& work);

}  // namespace insitu
