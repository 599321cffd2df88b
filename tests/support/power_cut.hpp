// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <span>
#include <vector>

#include "support/random_content.hpp"
#include "testing/recording_store.hpp"

namespace insitu::test {

// A state in which a power cut may leave a medium after the first `cut` events: what was synced,
// and of the rest any of the sectors, in the order of the writes.
inline std::vector<std::byte> cut_power(std::vector<std::byte> start,
                                        const std::vector<RecordingStore::Event>& events,
                                        std::size_t cut, Random& random) {
    std::size_t synced = 0;  // so many events are on the medium
    for (std::size_t i = 0; i < cut; ++i)
        synced = events[i].is_sync() ? i + 1 : synced;
    for (std::size_t i = 0; i < cut; ++i) {
        const RecordingStore::Event& event = events[i];
        for (std::size_t at = 0; at < event.bytes.size(); at += sector_bytes) {
            if (i >= synced && below(random, 2) == 0) continue;
            const std::size_t length = std::min<std::size_t>(sector_bytes, event.bytes.size() - at);
            std::copy_n(event.bytes.begin() + static_cast<std::ptrdiff_t>(at), length,
                        start.begin() + static_cast<std::ptrdiff_t>(event.at_byte + at));
        }
    }
    return start;
}

}  // namespace insitu::test
