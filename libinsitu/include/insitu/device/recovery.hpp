#pragma once

#include <cstdint>

#include "insitu/api.hpp"
#include "insitu/store/store.hpp"

// What to do with the intents of an interrupted run (docs/crash-safety.md).
namespace insitu {

// Whether the image in `store` has an intent that was made for its bitmap, whole or not. Reads
// block 0 and the bitmap's stamp; false for what is no image. Throws `io` Errors.
INSITU_API bool has_intent(const Store& store);

struct Recovery {
    std::uint64_t windows = 0;          // whose payloads and meta were written
    std::uint64_t last_generation = 0;  // 0: there was no intent
};

// Writes what valid intents say in place. Reads the intents, their redo streams, and the meta and
// the sectors that these are about; writes nothing where none is valid. Leaves the intents: running
// it again gives the same. Throws `io` Errors, and `damaged`, before anything is written, where
// another program changed what would be overwritten. Memory: 3 % of the streams. For one thread.
INSITU_API Recovery apply_intents(Store& store);

// Removes the intents, also such as were made for another bitmap; what they say has been applied,
// or is to be forgotten. Where there are any, syncs first, between and last.
INSITU_API void clear_intents(Store& store);

}  // namespace insitu
