// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>

#include "insitu/internal/store/aligned_buffer.hpp"
#include "insitu/internal/window/extent_encoder.hpp"
#include "window/dirty_blocks.hpp"
#include "window/plan.hpp"

namespace insitu {

// Changes of one window as a value: no I/O. New payloads are held, what stays is as it was.
//
// Cost model: an extent that is touched in part was decoded once and is encoded once, whatever
// number of blocks was written; blocks that were written become extents of their own, so that the
// next write to them decodes nothing. What was raw is cut by its meta alone.
class WindowEditor {
  public:
    // Decodes the whole of an extent of the plan; may throw.
    using ReadExtent = std::function<void(const PlannedExtent& extent, ByteSpan output)>;
    // Raw blocks stay raw: no payload then reaches beyond the blocks that were written, and the
    // sectors of others are untouched. For the times in which nothing protects a commit.
    enum class Placing { encode, keep_raw };
    // What remains of a compressed extent that was written in part: an extent for each run of
    // blocks, which takes the least space; or one for each block, so that no later write of whole
    // blocks encodes any of it again.
    enum class Rest { runs, blocks };

    WindowEditor(WindowIndex window, ExtentEncoder& encoder, AlignedBuffer& content)
        : window_first_(first_block_of(window)), encoder_(encoder), content_(content) {}

    // The plan with the dirty blocks in it. Precondition: of compressed extents that are dirty in
    // part the rest is kept. Blocks that were written with what they held are no change.
    WindowPlan merge(const WindowPlan& plan, const DirtyBlocks& dirty, Placing placing, Rest rest);
    // The plan with mapped extents side by side made one if that saves space, and raw ones
    // compressed; the same plan if nothing is worth it.
    WindowPlan compact(const WindowPlan& plan, const ReadExtent& read);

    // Since it was made: bytes of payloads that were encoded, compressed extents cut for it.
    std::uint64_t encoded_bytes() const noexcept { return encoded_bytes_; }
    std::uint64_t rewritten_extents() const noexcept { return rewritten_extents_; }
    bool changed() const noexcept { return changed_; }

  private:
    std::uint32_t cut(const PlannedExtent& extent, const DirtyBlocks& dirty, std::uint32_t written,
                      Rest rest);
    void put(unsigned first, ByteView blocks);
    void put_payload(unsigned first, unsigned blocks, ByteView payload);
    ByteView content_of(const DirtyBlocks& dirty, unsigned first, unsigned end);
    void put_dirty(const DirtyBlocks& dirty, std::uint32_t written, std::uint32_t raw_blocks);
    void keep_raw(const PlannedExtent& extent, unsigned first, unsigned end);
    void compact_run(std::span<const PlannedExtent> run, const ReadExtent& read);
    void begin();
    WindowPlan finish();

    BlockIndex window_first_;  // payloads are sealed for their place
    ExtentEncoder& encoder_;
    AlignedBuffer& content_;  // of a window
    WindowPlan plan_;
    std::uint64_t encoded_bytes_ = 0;
    std::uint64_t rewritten_extents_ = 0;
    bool changed_ = false;
};

}  // namespace insitu
