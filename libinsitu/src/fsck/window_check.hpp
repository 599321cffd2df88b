// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <span>
#include <utility>
#include <vector>

#include "codec/distance.hpp"
#include "fsck/candidates.hpp"
#include "fsck/driver_view.hpp"
#include "insitu/check.hpp"
#include "insitu/internal/codec/codec.hpp"
#include "insitu/internal/image/meta_cursor.hpp"
#include "insitu/internal/image/window_reader.hpp"
#include "insitu/internal/window/payload_decoder.hpp"

namespace insitu {

enum class Judgement {
    unmapped,     // sound: reads as zeros
    compressed,   // sound: decodes
    raw,          // sound by its meta; nothing more can be said
    suspect_raw,  // the same, and its bytes form a perfect payload
    crossing,     // the part in this window of a readable extent that reaches over its border
    broken_meta,  // the meta makes no sense
    broken,       // the meta makes sense, the payload does not
    unreadable,   // the payload cannot be read from the medium
    differs,      // readable, but a manifest says that it should hold something else
    unsealed,     // decodes, but is not the stream that its seal is of
};

// The blocks of an extent as bits.
constexpr std::uint32_t mask_of(const Extent& extent) noexcept {
    return static_cast<std::uint32_t>(((std::uint64_t{1} << extent.blocks) - 1) << extent.first);
}

constexpr bool overlap(const Extent& a, const Extent& b) noexcept {
    return a.first < b.first + b.blocks && b.first < a.first + a.blocks;
}

struct JudgedExtent {
    Extent extent;  // the part of it that lies in the window
    Judgement judgement = Judgement::unmapped;

    bool damaged() const noexcept { return judgement >= Judgement::broken_meta; }
};

// Throws a `refused` Error where the manifest, if any, is not for an image of this size.
void require_manifest_of(const Image& image, const CheckOptions& options);

// Examines windows: the grammar of their meta, and every payload. One a thread, of a fixed size.
class WindowChecker {
  public:
    WindowChecker(const Image& image, const CheckOptions& options);

    // Examines a window and appends what it finds. The extents of the window, in order and without
    // gaps, stand in extents() until the next call; of the meta alone only where it is not sound.
    void check(WindowIndex window, std::vector<Finding>& findings);

    std::span<const JudgedExtent> extents() const noexcept {
        return std::span(extents_).first(count_);
    }
    bool damaged() const noexcept;
    const WindowMap& map() const noexcept { return map_; }
    // A readable extent that starts in this window and ends behind it or is longer than it.
    const std::optional<StoredExtent>& crossing() const noexcept { return crossing_; }
    WindowReader& reader() noexcept { return reader_; }
    MetaCursor& meta() noexcept { return cursor_; }

    // Sums over all windows so far.
    const ExtentTotals& totals() const noexcept { return totals_; }
    std::uint64_t walked_extents() const noexcept { return walked_extents_; }
    std::uint64_t confirmed_blocks() const noexcept { return confirmed_blocks_; }
    std::uint64_t contradicted_blocks() const noexcept { return contradicted_blocks_; }
    // The first of the walked extents with distances over 2 KiB since the last call, and how many.
    std::uint64_t take_wide_extents() noexcept { return std::exchange(wide_extents_, 0); }

  private:
    Finding& report(FindingId id, const StoredExtent& extent, std::string detail);
    void judge_meta(const StoredExtent& extent);
    bool crossing_readable(const StoredExtent& extent);
    void judge_crossing(const StoredExtent& extent);
    void judge_payloads();
    std::size_t run_of(std::size_t from, std::uint64_t& end_byte) const;
    void judge_one(JudgedExtent& judged);
    void judge_payload(JudgedExtent& judged, ByteView payload);
    void judge_compressed(JudgedExtent& judged, ByteView payload);
    void judge_fault(JudgedExtent& judged, ByteView payload, const PayloadFault& fault);
    void judge_length(JudgedExtent& judged, ByteView payload);
    KernelEffect effect_of_shares(const StoredExtent& extent, KernelEffect otherwise);
    void judge_raw(JudgedExtent& judged, ByteView payload);
    void judge_raw_beside_damage();
    void suspect(JudgedExtent& judged, const Candidate& candidate);
    void compare_with_manifest();
    void compare(const ManifestExtent& expected);
    void compare_zeros();
    bool reads_well(const ManifestExtent& expected) const;
    std::uint64_t at_byte(const Extent& extent) const;
    StoredExtent stored(const Extent& extent) const;

    const Image& image_;
    CheckOptions options_;
    MetaCursor cursor_;
    WindowReader reader_;
    PayloadDecoder decoder_;
    CandidateFinder finder_;
    DistanceWalker walker_;
    AlignedBuffer payload_;
    AlignedBuffer content_;

    WindowIndex window_;
    WindowMap map_;
    std::array<JudgedExtent, window_blocks + 1> extents_;
    std::size_t count_ = 0;
    std::optional<StoredExtent> crossing_;
    std::optional<StoredExtent> last_crossing_;  // examined before, and
    bool last_crossing_readable_ = false;        // what came of it
    std::vector<Finding>* findings_ = nullptr;
    ExtentTotals totals_;
    std::uint64_t wide_extents_ = 0;
    std::uint64_t walked_extents_ = 0;
    std::uint64_t confirmed_blocks_ = 0;
    std::uint64_t contradicted_blocks_ = 0;
};

}  // namespace insitu
