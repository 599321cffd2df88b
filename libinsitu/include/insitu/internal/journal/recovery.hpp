// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

#include "insitu/internal/api.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/store.hpp"

// What to do with the intents of an interrupted run (docs/crash-safety.md).
namespace insitu {

enum class PendingState {
    none,
    pending,  // an intent that was made for the bitmap of the image, whole or not
    foreign,  // a whole one whose stamp another program has overwritten: the user has to decide
};

// Reads block 0, the bitmap's stamp and the redo streams; `none` for what is no image, and for the
// intents of a former life of an image that was formatted since. Throws `io` Errors.
[[nodiscard]] INSITU_API PendingState pending_state(const Store& store);
[[nodiscard]] INSITU_API bool has_intent(const Store& store);
// Throws a `refused` Error for an image with a pending intent, unless it is to be ignored.
INSITU_API void require_settled(const Store& store, PendingCheck pending);

// Whether intents count only if they have the stamp of the bitmap.
enum class StampCheck {
    required,
    waived,  // the user says that they belong to it (pending=apply)
};

struct Recovery {
    std::uint64_t windows = 0;          // whose payloads and meta were written
    std::uint64_t last_generation = 0;  // 0: there was no intent
};

// Writes what valid intents say in place. Reads the intents, their redo streams, and the meta and
// the sectors that these are about; writes nothing where none is valid. Leaves the intents: running
// it again gives the same. Throws `io` Errors, and `damaged`, before anything is written, where
// another program changed what would be overwritten or the stamp, or if the new meta of an intent
// makes no sense. Memory: a window, whatever the streams. For one thread. Throws `refused` before
// anything is written if more than `most_bytes` would change, in whole blocks: what an overlay in
// memory keeps.
inline constexpr std::uint64_t most_bytes_in_memory = std::uint64_t{256} << 20;
INSITU_API Recovery apply_intents(Store& store, StampCheck stamps = StampCheck::required,
                                  std::uint64_t most_bytes = UINT64_MAX);

// Removes the intents, also such as were made for another bitmap; what they say has been applied,
// or is to be forgotten. Where there are any, syncs first, between and last.
INSITU_API void clear_intents(Store& store);

// Both: makes an image with intents an ordinary one. Returns the number of windows that were
// written. Throws what apply_intents() throws.
INSITU_API std::uint64_t settle_intents(Store& store);

}  // namespace insitu
