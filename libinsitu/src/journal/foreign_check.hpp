// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <vector>

#include "image/redo_window_reader.hpp"

namespace insitu {

// Finds out whether another program wrote to the image since its intents were made: what they would
// overwrite has to be what it was before one of them, or what one of them makes of it.
class ForeignCheck {
  public:
    ForeignCheck(const Store& store, const Geometry& geometry)
        : store_(store), geometry_(geometry) {}

    // Tells it what the intents hold of a window, the older intent first.
    void allow(const Redo& redo);
    // Throws a `damaged` Error for what is neither. Sectors that cannot be read pass: they are to
    // be written.
    void check();

  private:
    struct AllowedMeta {
        std::vector<WindowMeta> any;
        WindowMeta last{};
    };
    struct AllowedSector {
        std::uint64_t sector;  // of the data area
        std::uint32_t before;
        std::uint32_t after;
    };
    void check_meta(WindowIndex window, const AllowedMeta& allowed) const;
    void check_sectors(WindowIndex window, const AllowedMeta& allowed,
                       std::span<const AllowedSector> sectors) const;
    [[noreturn]] void refuse(WindowIndex window, std::uint64_t at_byte, const char* what) const;

    const Store& store_;
    Geometry geometry_;
    std::map<WindowIndex, AllowedMeta> metas_;
    std::vector<AllowedSector> sectors_;
};

}  // namespace insitu
