// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "insitu/internal/store/overlay_store.hpp"
#include "insitu/open_image.hpp"
#include "insitu/store.hpp"

namespace insitu {

// A store without a pending intent, unless that is to be ignored: the file or device itself, or
// what applying the intent makes of it in memory.
struct SettledStore {
    std::unique_ptr<Store> opened;
    std::unique_ptr<OverlayStore> overlay;
    std::uint64_t recovered_windows = 0;

    Store& store() noexcept { return overlay ? *overlay : *opened; }
};

// `apply_in_memory` of what is opened for writing applies in place. Throws what open_store() and
// apply_intents() throw, and `refused` for an intent that is to be refused.
SettledStore open_settled(const std::string& path, Access access, Sharing sharing,
                          PendingPolicy pending);

}  // namespace insitu
