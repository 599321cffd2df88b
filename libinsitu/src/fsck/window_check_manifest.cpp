// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "fsck/window_check.hpp"
#include "window/zero_blocks.hpp"

// What a window holds against what a manifest says of it.
namespace insitu {

namespace {

class IgnoreDamage final : public DamageSink {
  public:
    void damaged(const ExtentDamage&) override {}
};

}  // namespace

// Whether no other finding covers the blocks already.
bool WindowChecker::reads_well(const ManifestExtent& expected) const {
    const BlockIndex first = first_block_of(window_);
    return std::none_of(extents().begin(), extents().end(), [&](const JudgedExtent& judged) {
        const BlockIndex start = first + judged.extent.first;
        return judged.damaged() && judged.judgement != Judgement::differs &&
               judged.judgement != Judgement::unsealed && start < expected.end() &&
               expected.first < start + judged.extent.blocks;
    });
}

void WindowChecker::compare_with_manifest() {
    for (const ManifestExtent& expected : options_.manifest->starting_in(window_))
        compare(expected);
    compare_zeros();
}

// Blocks that the manifest does not name were zeros.
void WindowChecker::compare_zeros() {
    const std::uint32_t wanted = options_.manifest->zero_blocks(window_);
    if (wanted == 0 || count_ == 0) return;
    IgnoreDamage ignore;
    const ByteSpan content = content_.first(map_.blocks() * block_bytes);
    if ((reader_.read(window_, content, &ignore) & wanted) == 0) return;
    const std::uint32_t found = nonzero_blocks(content) & wanted;
    for (std::size_t i = 0; i < count_; ++i) {
        JudgedExtent& judged = extents_[i];
        const std::uint32_t mask = mask_of(judged.extent);
        if ((found & mask) == 0 || judged.damaged()) continue;
        judged.judgement = Judgement::differs;
        contradicted_blocks_ += static_cast<std::uint64_t>(std::popcount(found & mask));
        report(FindingId::p05, stored(judged.extent), "content, where the manifest has zeros");
    }
}

void WindowChecker::compare(const ManifestExtent& expected) {
    IgnoreDamage ignore;
    const WindowIndex last = window_of({expected.end().value - 1});
    const std::uint64_t windows = last.value - window_.value + 1;
    AlignedBuffer content(windows * window_bytes);
    for (std::uint64_t i = 0; i < windows; ++i) {
        const std::uint64_t length = image_.geometry().blocks_in_window(window_ + i) * block_bytes;
        reader_.read(window_ + i, content.span().subspan(i * window_bytes, length), &ignore);
    }
    const std::uint64_t offset =
        (expected.first.value - first_block_of(window_).value) * block_bytes;
    const ContentHash hash =
        content_hash(content.view().subspan(offset, expected.blocks * block_bytes));
    if (hash == expected.hash) confirmed_blocks_ += expected.blocks;
    if (hash == expected.hash || !reads_well(expected)) return;
    contradicted_blocks_ += expected.blocks;
    report(FindingId::p05, {expected.first, static_cast<unsigned>(expected.blocks), 0},
           fmt::format("content has the hash {}, expected {}", to_string(hash),
                       to_string(expected.hash)));
    const BlockIndex first = first_block_of(window_);
    for (std::size_t i = 0; i < count_; ++i) {
        const BlockIndex start = first + extents_[i].extent.first;
        if (start < expected.end() && expected.first < start + extents_[i].extent.blocks) {
            extents_[i].judgement = Judgement::differs;
        }
    }
}

}  // namespace insitu
