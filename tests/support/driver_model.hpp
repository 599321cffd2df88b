// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "insitu/internal/format/geometry.hpp"
#include "insitu/internal/format/super_block.hpp"
#include "insitu/internal/format/window_map.hpp"
#include "support/random_content.hpp"

namespace insitu::test {

// What the driver makes of a device, as docs/format.md §3 says, written for itself: its encoders
// (lzo1x_1; zlib with windowBits -11, memLevel 9, level 6), the trimming, patching and moving of
// extents that a write meets, payloads and meta that reach the medium in no order. So the damage
// that tests repair is of the shape that a crash of the driver leaves.
class DriverModel {
  public:
    using Bytes = std::vector<std::byte>;

    // A freshly formatted device: all blocks unmapped, `old_disk` below them (any length).
    DriverModel(std::uint64_t data_blocks, Algorithm algorithm, const Bytes& old_disk = {});

    const Geometry& geometry() const noexcept { return geometry_; }
    Algorithm algorithm() const noexcept { return algorithm_; }

    // Writes whole blocks. Cut at window borders, as the kernel does it.
    void write(std::uint64_t first_block, ByteView content);
    // A write inside one window of which only some parts come through, as when the driver has no
    // memory left (damage C1): bit 0 the remainder before it, bit 1 itself, bit 2 that behind it.
    void fail_write(std::uint64_t first_block, ByteView content, unsigned parts);
    // All that was written is on the medium.
    void flush();

    // The medium after a flush: a sound image, unless a write failed.
    Bytes image() const;
    // The logical content, as the driver would read it.
    const Bytes& content() const noexcept { return content_; }

    // Which of the writes since the last flush a power cut has left on the medium.
    enum class DataKept { none, all, first_ones, some, some_sectors };
    enum class MetaKept { old, current, any_version, mixed_sectors };
    Bytes crash(Random& random, DataKept data, MetaKept meta) const;

    // Whether a block had this content at any time; zeros before it was first written.
    bool ever_held(std::uint64_t block, ByteView content) const;
    // Whether exactly this payload was written at a block at any time.
    bool ever_stored(std::uint64_t block, ByteView payload) const;

  private:
    struct Part {
        Extent extent;  // in its window
        Bytes payload;  // empty: stays where it is, only its meta changes
    };
    struct Written {
        std::uint64_t at_byte = 0;
        Bytes bytes;
    };

    void write_in_window(std::uint64_t first_block, ByteView content, unsigned parts);
    std::vector<std::pair<unsigned, Part>> parts_of(WindowIndex window, Extent request) const;
    Part stored_again(WindowIndex window, unsigned first, unsigned blocks) const;
    void store(WindowIndex window, const Part& part);
    void remember(std::uint64_t first_block, std::uint64_t blocks);
    Bytes compress(ByteView content) const;

    Geometry geometry_;
    Algorithm algorithm_;
    Bytes medium_;               // as of the last flush, meta included
    std::vector<Written> data_;  // payloads since then, in order
    std::vector<Bytes> metas_;   // the meta since then, oldest first; the last is the current one
    Bytes content_;
    std::vector<std::set<std::size_t>> contents_;  // of each block: hashes
    std::vector<std::set<std::size_t>> payloads_;
};

}  // namespace insitu::test
