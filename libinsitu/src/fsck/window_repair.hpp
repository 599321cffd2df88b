// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "fsck/window_check.hpp"
#include "fsck/window_search.hpp"
#include "insitu/repair.hpp"

namespace insitu {

using WindowMeta = std::array<std::byte, window_meta_bytes>;

// Bytes of the image that change.
struct PlannedWrite {
    std::uint64_t at_byte = 0;
    std::vector<std::byte> old_bytes;
    std::vector<std::byte> new_bytes;
};

// What is to become of a window.
struct WindowRepair {
    WindowIndex window;
    WindowMeta old_meta{};
    WindowMeta new_meta{};
    std::vector<PlannedWrite> writes;  // of payloads
    // Extents that take the place of one that starts here and reaches over the window's border, in
    // this window and the next ones.
    std::vector<std::pair<WindowIndex, Extent>> parts;
    std::vector<PlannedAction> actions;
    std::uint64_t suspect_blocks = 0;
    std::uint64_t lost_blocks = 0;
    std::uint64_t undecided_blocks = 0;

    bool changes() const noexcept { return old_meta != new_meta || !writes.empty(); }
};

// Copies `count` entries of 5 bits.
void copy_entries(const WindowMeta& from, unsigned first, unsigned count, WindowMeta& to) noexcept;

// Plans the repair of windows. One a thread, of a fixed size.
class WindowPlanner {
  public:
    WindowPlanner(const Image& image, const RepairOptions& options);

    // The plan for a window that `checker` has just examined.
    WindowRepair plan(WindowIndex window, WindowChecker& checker);
    // The plan for a window from its payloads alone.
    WindowRepair rebuild(WindowIndex window, MetaCursor& meta);
    // A plan that changes nothing, for a window with a part of an extent over its border.
    static WindowRepair keep(WindowIndex window, MetaCursor& meta);
    // Cuts a readable extent that starts in the plan's window at the borders of windows, and stores
    // each part again.
    void split(WindowRepair& plan, const StoredExtent& extent, WindowReader& reader);

  private:
    SearchInput read(WindowIndex window);
    void fill(WindowRepair& plan, const SearchInput& input);
    void put(WindowRepair& plan, const SearchInput& input, const Piece& piece);
    void tell(WindowRepair& plan, const SearchInput& input, const Piece& piece) const;

    const Image& image_;
    const RepairOptions& options_;
    ExtentEncoder encoder_;
    WindowSearch search_;
    AlignedBuffer content_;
};

}  // namespace insitu
