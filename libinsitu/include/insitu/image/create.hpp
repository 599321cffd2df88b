#pragma once

#include "insitu/api.hpp"
#include "insitu/format/super_block.hpp"
#include "insitu/image/meta_writer.hpp"
#include "insitu/store/store.hpp"

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

// Syncs, writes the super block (one whole block), syncs. Returns the bytes written.
INSITU_API std::uint64_t write_super_block_last(Store& target, const SuperBlock& super);

}  // namespace insitu
