// SPDX-License-Identifier: GPL-2.0-or-later
#include "pack/patched_disk.hpp"

#include <algorithm>

#include "insitu/error.hpp"

namespace insitu::apps {

void PatchedDisk::add(std::uint64_t at_byte, std::unique_ptr<Store> part) {
    const auto place = std::partition_point(
        parts_.begin(), parts_.end(), [&](const Part& other) { return other.at_byte < at_byte; });
    parts_.insert(place, Part{at_byte, std::move(part)});
}

const PatchedDisk::Part* PatchedDisk::part_at_or_after(std::uint64_t at_byte) const noexcept {
    const auto found = std::partition_point(
        parts_.begin(), parts_.end(), [&](const Part& part) { return part.end_byte() <= at_byte; });
    return found == parts_.end() ? nullptr : &*found;
}

void PatchedDisk::read_at(std::uint64_t at_byte, ByteSpan output) const {
    while (!output.empty()) {
        const Part* const part = part_at_or_after(at_byte);
        const bool is_inside = part != nullptr && part->at_byte <= at_byte;
        std::uint64_t length = output.size();
        if (part != nullptr) {
            length = std::min(length, (is_inside ? part->end_byte() : part->at_byte) - at_byte);
        }
        const ByteSpan now = output.first(length);
        if (is_inside) {
            part->store->read_at(at_byte - part->at_byte, now);
        } else {
            below_.read_at(at_byte, now);
        }
        at_byte += length;
        output = output.subspan(length);
    }
}

std::uint64_t PatchedDisk::next(std::uint64_t at_byte,
                                std::uint64_t (Store::*find)(std::uint64_t) const) const {
    while (at_byte < size_bytes()) {
        const Part* const part = part_at_or_after(at_byte);
        const bool is_inside = part != nullptr && part->at_byte <= at_byte;
        const std::uint64_t base = is_inside ? part->at_byte : 0;
        const std::uint64_t end = part == nullptr ? size_bytes()
                                  : is_inside     ? part->end_byte()
                                                  : part->at_byte;
        const Store& store = is_inside ? *part->store : below_;
        const std::uint64_t found = base + (store.*find)(at_byte - base);
        if (found < end) return found;
        at_byte = end;
    }
    return std::min(at_byte, size_bytes());
}

std::uint64_t PatchedDisk::next_data(std::uint64_t at_byte) const {
    return next(at_byte, &Store::next_data);
}

std::uint64_t PatchedDisk::next_hole(std::uint64_t at_byte) const {
    return next(at_byte, &Store::next_hole);
}

}  // namespace insitu::apps
