// SPDX-License-Identifier: GPL-2.0-or-later
#include "face/settled_store.hpp"

#include "insitu/internal/journal/recovery.hpp"
#include "insitu/open_store.hpp"

namespace insitu {

SettledStore open_settled(const std::string& path, Access access, Sharing sharing,
                          PendingPolicy pending) {
    SettledStore result;
    if (access == Access::read && pending == PendingPolicy::apply) {
        // Opened for writing only if there is something to write.
        result.opened = open_store(path, Access::read, sharing);
        if (!has_intent(*result.opened)) return result;
        result.opened.reset();
        const auto writable = open_store(path, Access::read_write, sharing);
        result.recovered_windows = settle_intents(*writable);
    }
    result.opened = open_store(path, access, sharing);
    if (pending == PendingPolicy::refuse) require_settled(*result.opened, PendingCheck::refuse);
    if (pending == PendingPolicy::ignore || pending == PendingPolicy::refuse) return result;
    if (access == Access::read_write) {
        result.recovered_windows = settle_intents(*result.opened);
    } else if (has_intent(*result.opened)) {
        result.overlay = std::make_unique<OverlayStore>(*result.opened);
        result.recovered_windows =
            apply_intents(*result.overlay, StampCheck::required, most_bytes_in_memory).windows;
        clear_intents(*result.overlay);
    }
    return result;
}

}  // namespace insitu
