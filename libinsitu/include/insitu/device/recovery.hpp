#pragma once

#include <cstdint>

#include "insitu/api.hpp"
#include "insitu/store/store.hpp"

// What to do with the intents of an interrupted run (docs/crash-safety.md).
namespace insitu {

// Whether the image in `store` has an intent in its super block's block, valid or not. One read of
// a block; false for what is no image. Throws `io` Errors.
INSITU_API bool has_intent(const Store& store);

struct Recovery {
    std::uint64_t windows = 0;          // whose payloads and meta were written
    std::uint64_t last_generation = 0;  // 0: there was no intent
};

// Writes what valid intents say in place. Reads two sectors and their redo streams; writes nothing
// where none is valid. Leaves the intents: running it again gives the same. Throws `io` Errors, and
// `damaged` where another program changed a window's meta since. For one thread.
INSITU_API Recovery apply_intents(Store& store);

// Removes the intents; what they say has been applied, or is to be forgotten. Syncs first, between
// and last.
INSITU_API void clear_intents(Store& store);

}  // namespace insitu
