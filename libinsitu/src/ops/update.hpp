// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>

#include "insitu/internal/format/identity.hpp"
#include "insitu/internal/format/super_block.hpp"
#include "insitu/internal/ops/update_totals.hpp"
#include "insitu/internal/store/difference_store.hpp"

namespace insitu {

// Brings an image to other content by writing what differs, once. Half done it is neither the old
// image nor the new one, so sector 0 says so from before the first change until everything is on
// the medium (docs/format.md §5): a cut leaves the old image, the new one, or one that every tool
// refuses and the next update completes. Nothing is taken from what the target holds, so whatever
// the cut left can be compared and written over.
class Update {
  public:
    // Throws `io` Errors, and a `refused` one for a target that is no image of its own size and
    // this algorithm, nor one whose update was interrupted.
    Update(Store& target, Algorithm algorithm);

    const SuperBlock& super() const noexcept { return super_; }
    // Where the whole image is to be written, but for block 0.
    DifferenceStore& store() noexcept { return difference_; }
    // Something was cut off while it wrote to the target, an update or a commit of the live device:
    // a payload may have its new seal and other sectors of the old one. What is in place proves
    // nothing.
    bool may_be_torn() const noexcept { return may_be_torn_; }
    // After everything else: block 0. Syncs. Writes nothing if nothing has changed.
    void finish(const std::optional<Identity>& identity);
    UpdateTotals totals() const noexcept;

  private:
    void begin();

    Store& target_;
    SuperBlock super_;
    bool resumed_ = false;  // an interrupted update is being completed
    bool may_be_torn_ = false;
    bool begun_ = false;
    DifferenceStore difference_;
    std::uint64_t block_0_bytes_ = 0;
};

}  // namespace insitu
