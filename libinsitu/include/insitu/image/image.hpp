#pragma once

#include "insitu/api.hpp"
#include "insitu/format/geometry.hpp"
#include "insitu/format/super_block.hpp"
#include "insitu/store/store.hpp"

namespace insitu {

// Whether an image must have the size that its super block was made for. The driver insists.
enum class SizeCheck {
    strict,
    trust_super,  // read it by the counts in the super block, whatever the size (--ignore-size)
};

// An image that is open for reading: a validated super block over a store. A value that refers to
// the store, which outlives it.
class INSITU_API Image {
  public:
    // Throws an `io` Error, or a `damaged` one that says what the super block should hold.
    static Image open(const Store& store, SizeCheck check = SizeCheck::strict);

    // An image whose super block is known and needs no check.
    Image(const Store& store, const SuperBlock& super) noexcept
        : store_(&store), super_(super), geometry_(super.counts) {}

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
INSITU_API SuperBlock read_super_block(const Store& store);

}  // namespace insitu
