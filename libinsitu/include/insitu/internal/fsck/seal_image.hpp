// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

#include "insitu/internal/api.hpp"
#include "insitu/internal/engine/control.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/store.hpp"

namespace insitu {

// Which payloads get a seal.
enum class SealScope {
    unsealed,  // those without one
    all,       // those that differ from their seal, too: their content is believed
};

struct SealResult {
    std::uint64_t sealed_before = 0;  // extents, as the others
    std::uint64_t added = 0;
    std::uint64_t replaced = 0;
    std::uint64_t differing = 0;  // left alone: they differ from their seal
    std::uint64_t no_room = 0;
    std::uint64_t damaged = 0;  // left alone: they cannot be read, or do not decode

    SealResult& operator+=(const SealResult& other) noexcept;
};

// Seals compressed payloads that have room for a seal and decode to their extent. Writes whole
// sectors, each the last one of a payload: an interrupted run leaves every extent readable, sealed
// or not. `store` is the image's own. Syncs. Throws `io` and `cancelled` Errors. Memory: 0.5 MiB a
// thread.
INSITU_API SealResult seal_image(const Image& image, Store& store, SealScope scope,
                                 const Control& control);

}  // namespace insitu
