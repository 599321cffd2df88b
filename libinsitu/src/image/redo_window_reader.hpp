// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "image/redo_reader.hpp"

namespace insitu {

// One window of a redo stream.
struct Redo {
    RedoWindow window;
    std::vector<RedoPiece> pieces;
    std::vector<std::uint32_t> hashes;  // one a sector of each piece
    std::vector<std::byte> bytes;       // of the written pieces, one behind the other
};

// Takes a redo stream from an untrusted disk apart. Windows rise and pieces are inside theirs, so
// what is read has an end, whatever the disk holds.
class RedoWindowReader {
  public:
    RedoWindowReader(const Store& store, const Geometry& geometry, const Intent& intent);

    // False at the end of the stream, and where it makes no sense.
    bool next(Redo& redo);
    // Behind the last window: whether that was the stream which the intent means.
    bool whole() const noexcept { return reader_.at_end() && reader_.hash() == redo_hash_; }

  private:
    bool read_pieces(Redo& redo, std::uint32_t room_sectors);

    RedoReader reader_;
    Geometry geometry_;
    std::uint64_t redo_hash_;
    std::uint64_t least_window_ = 0;
};

}  // namespace insitu
