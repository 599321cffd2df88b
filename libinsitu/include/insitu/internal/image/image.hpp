// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "insitu/internal/api.hpp"
#include "insitu/internal/format/geometry.hpp"
#include "insitu/internal/format/super_block.hpp"
#include "insitu/store.hpp"

namespace insitu {

// Whether an image must have the size that its super block was made for. The driver insists.
enum class SizeCheck {
    strict,
    trust_super,  // read it by the counts in the super block, whatever the size (--ignore-size)
};

// What to do with an image that an interrupted live device left: its last acknowledged commit is
// in an intent, not yet in place (docs/crash-safety.md).
enum class PendingCheck {
    refuse,  // a `refused` Error with the ways out: what is in place is not what was promised
    ignore,  // work on what is in place: the caller has looked, or wants what the driver sees
};

// An image that is open for reading: a validated super block over a store. A value that refers to
// the store, which outlives it. open_image() owns both and settles a pending intent as well.
class INSITU_API Image {
  public:
    // Throws an `io` Error, a `damaged` one that says what the super block should hold, or a
    // `refused` one for a pending intent.
    [[nodiscard]] static Image open(const Store& store, SizeCheck check = SizeCheck::strict,
                                    PendingCheck pending = PendingCheck::refuse);
    static Image open(const Store&& store, SizeCheck check = SizeCheck::strict,
                      PendingCheck pending = PendingCheck::refuse) = delete;

    // An image whose super block is known and needs no check.
    Image(const Store& store, const SuperBlock& super) noexcept
        : store_(&store), super_(super), geometry_(super.counts) {}
    Image(const Store&& store, const SuperBlock& super) = delete;

    const Store& store() const noexcept { return *store_; }
    const SuperBlock& super() const noexcept { return super_; }
    const Geometry& geometry() const noexcept { return geometry_; }
    Algorithm algorithm() const noexcept { return static_cast<Algorithm>(super_.comp_alg); }

  private:
    const Store* store_;
    SuperBlock super_;
    Geometry geometry_;
};

// Reads the fields of block 0. Throws an `io` Error, or `damaged` for a store of less than a block.
[[nodiscard]] INSITU_API SuperBlock read_super_block(const Store& store);

}  // namespace insitu
