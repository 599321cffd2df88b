// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <vector>

#include "insitu/internal/format/geometry.hpp"
#include "insitu/internal/format/intent.hpp"
#include "insitu/store.hpp"

// What an interrupted live device left, as everybody who opens an image sees it: Image::open() and
// recovery judge by the same rules (docs/crash-safety.md).
namespace insitu {

enum class IntentState {
    none,     // of a former life of the image, or of another one: it is forgotten
    torn,     // of this bitmap, and its stream is not whole: it was never committed
    pending,  // to be applied
    foreign,  // whole, but the bitmap has another stamp, or none
};

struct FoundIntent {
    Intent intent;
    IntentState state = IntentState::none;
};

// The intent in a slot, if there is one.
std::optional<Intent> read_intent(const Store& store, unsigned slot);
// Those in block 0. Reads the bitmap's stamp, the redo streams, and if the stamp is another one,
// the bitmap. Throws `io` Errors.
std::vector<FoundIntent> read_intents(const Store& store, const Geometry& geometry);

// Throws the `refused` Error for an image with a pending intent, with the ways out.
[[noreturn]] void refuse_pending(const Store& store);

}  // namespace insitu
