// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/store/overlay_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "insitu/error.hpp"

namespace insitu {

OverlayStore::OverlayStore(const Store& below) : Store(below.name()), below_(below) {}

// Calls visit(block index, offset in the block, offset in the request, length) for each block.
template <class Visit>
void OverlayStore::visit_blocks(std::uint64_t at_byte, std::uint64_t length_bytes,
                                Visit visit) const {
    if (at_byte > size_bytes() || length_bytes > size_bytes() - at_byte) {
        throw Error(ErrorKind::damaged, {.file = name(), .byte = at_byte},
                    fmt::format("{} bytes reach beyond the end at {}", length_bytes, size_bytes()));
    }
    for (std::uint64_t done = 0; done < length_bytes;) {
        const std::uint64_t in_block = (at_byte + done) % block_bytes;
        const std::uint64_t step = std::min(block_bytes - in_block, length_bytes - done);
        visit((at_byte + done) / block_bytes, in_block, done, step);
        done += step;
    }
}

OverlayStore::Block& OverlayStore::block_for_write(std::uint64_t index) {
    const auto found = blocks_.find(index);
    if (found != blocks_.end()) return found->second;
    Block block(block_bytes);
    const std::uint64_t start = index * block_bytes;
    const std::uint64_t length = std::min(block_bytes, size_bytes() - start);
    below_.read_at(start, ByteSpan(block).first(length));
    return blocks_.emplace(index, std::move(block)).first->second;
}

void OverlayStore::read_at(std::uint64_t at_byte, ByteSpan output) const {
    const std::lock_guard guard(mutex_);
    visit_blocks(
        at_byte, output.size(),
        [&](std::uint64_t index, std::uint64_t in_block, std::uint64_t done, std::uint64_t step) {
            const ByteSpan part = output.subspan(done, step);
            const auto found = blocks_.find(index);
            if (found == blocks_.end()) {
                below_.read_at(at_byte + done, part);
            } else {
                std::memcpy(part.data(), found->second.data() + in_block, step);
            }
        });
}

void OverlayStore::write_at(std::uint64_t at_byte, ByteView input) {
    const std::lock_guard guard(mutex_);
    visit_blocks(
        at_byte, input.size(),
        [&](std::uint64_t index, std::uint64_t in_block, std::uint64_t done, std::uint64_t step) {
            std::memcpy(block_for_write(index).data() + in_block, input.data() + done, step);
        });
}

void OverlayStore::zero(std::uint64_t at_byte, std::uint64_t length_bytes) {
    const std::lock_guard guard(mutex_);
    visit_blocks(
        at_byte, length_bytes,
        [&](std::uint64_t index, std::uint64_t in_block, std::uint64_t, std::uint64_t step) {
            std::memset(block_for_write(index).data() + in_block, 0, step);
        });
}

std::uint64_t OverlayStore::next_data(std::uint64_t at_byte) const {
    const std::lock_guard guard(mutex_);
    const std::uint64_t below = below_.next_data(at_byte);
    const auto changed = blocks_.lower_bound(at_byte / block_bytes);
    if (changed == blocks_.end()) return below;
    return std::min(below, std::max(at_byte, changed->first * block_bytes));
}

std::uint64_t OverlayStore::next_hole(std::uint64_t at_byte) const {
    const std::lock_guard guard(mutex_);
    std::uint64_t hole = below_.next_hole(at_byte);
    while (hole < size_bytes() && blocks_.count(hole / block_bytes) != 0) {
        const std::uint64_t end = (hole / block_bytes + 1) * block_bytes;
        hole = below_.next_hole(std::min(end, size_bytes()));
    }
    return hole;
}

std::uint64_t OverlayStore::changed_bytes() const {
    const std::lock_guard guard(mutex_);
    return blocks_.size() * block_bytes;
}

}  // namespace insitu
