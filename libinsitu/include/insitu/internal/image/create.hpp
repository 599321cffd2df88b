// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "insitu/internal/api.hpp"
#include "insitu/internal/format/identity.hpp"
#include "insitu/internal/format/super_block.hpp"
#include "insitu/internal/image/meta_writer.hpp"
#include "insitu/store.hpp"

// The first and the last step of making an image. In between stand payloads, a sync, and meta.
namespace insitu {

// The super block of a new image on a device of this size. Throws a `refused` Error that names the
// nearest usable sizes where the driver cannot use the size; `name` is for its message.
INSITU_API SuperBlock super_block_for(std::uint64_t device_bytes, Algorithm algorithm,
                                      const std::string& name);

// Makes sure that an interrupted run leaves nothing that looks like an image: where the target's
// content is unknown, clears block 0 unless it is zeros, syncs, and discards the rest. Returns the
// bytes written.
INSITU_API std::uint64_t invalidate_target(Store& target, TargetContent content);

// Syncs, writes the super block and the identity, if any (one whole block), syncs. Returns the
// bytes written.
INSITU_API std::uint64_t write_super_block_last(Store& target, const SuperBlock& super,
                                                const std::optional<Identity>& identity);

// The name of an image; none if it has none. Throws `io` Errors.
INSITU_API std::optional<Identity> read_identity(const Store& store);
// Gives an image another name: writes one sector, which a power cut leaves old or new, and syncs.
// Throws `io` Errors, and a `refused` one for a label that is not valid.
INSITU_API void write_identity(Store& store, const Identity& identity);

}  // namespace insitu
