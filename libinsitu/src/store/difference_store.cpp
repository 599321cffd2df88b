// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/store/difference_store.hpp"

#include <algorithm>
#include <cstring>

#include "insitu/internal/store/aligned_buffer.hpp"

namespace insitu {

namespace {

constexpr std::uint64_t most_bytes_at_once = std::uint64_t{1} << 20;

}  // namespace

DifferenceStore::DifferenceStore(Store& below, std::function<void()> before_change)
    : Store(below.name()), below_(below), before_change_(std::move(before_change)) {}

void DifferenceStore::read_at(std::uint64_t at_byte, ByteSpan output) const {
    below_.read_at(at_byte, output);
}

void DifferenceStore::write_difference(std::uint64_t at_byte, ByteView input) {
    std::call_once(changed_, before_change_);
    below_.write_at(at_byte, input);
    written_bytes_ += input.size();
}

void DifferenceStore::write_at(std::uint64_t at_byte, ByteView input) {
    AlignedBuffer buffer(std::min<std::uint64_t>(input.size(), most_bytes_at_once));
    for (std::size_t done = 0; done < input.size();) {
        const ByteView part = input.subspan(done, std::min(buffer.size(), input.size() - done));
        const ByteSpan there = buffer.first(part.size());
        below_.read_at(at_byte + done, there);
        compared_bytes_ += part.size();
        const auto differs = [&](std::size_t at) {
            const std::size_t length = std::min<std::size_t>(sector_bytes, part.size() - at);
            return std::memcmp(part.data() + at, there.data() + at, length) != 0;
        };
        for (std::size_t first = 0; first < part.size();) {
            std::size_t end = first;
            while (end < part.size() && differs(end))
                end = std::min<std::size_t>(end + sector_bytes, part.size());
            if (end == first) {
                first += sector_bytes;
                continue;
            }
            write_difference(at_byte + done + first, part.subspan(first, end - first));
            first = end;
        }
        done += part.size();
    }
}

void DifferenceStore::zero(std::uint64_t at_byte, std::uint64_t length_bytes) {
    const std::uint64_t end = at_byte + length_bytes;
    AlignedBuffer zeros(std::min(length_bytes, most_bytes_at_once));
    std::memset(zeros.data(), 0, zeros.size());
    for (std::uint64_t at = at_byte; at < end;) {
        // Holes of the store below are zeros already.
        at = std::max(at, std::min(below_.next_data(at), end));
        const std::uint64_t length = std::min<std::uint64_t>(zeros.size(), end - at);
        if (length != 0) write_at(at, zeros.first(length));
        at += length;
    }
}

void DifferenceStore::discard(std::uint64_t, std::uint64_t) {}

void DifferenceStore::sync() {
    if (written_bytes_ != 0) below_.sync();
}

void DifferenceStore::start_writeback(std::uint64_t at_byte, std::uint64_t length_bytes) {
    below_.start_writeback(at_byte, length_bytes);
}

std::uint64_t DifferenceStore::next_data(std::uint64_t at_byte) const {
    return below_.next_data(at_byte);
}

std::uint64_t DifferenceStore::next_hole(std::uint64_t at_byte) const {
    return below_.next_hole(at_byte);
}

std::optional<std::uint64_t> DifferenceStore::allocated_bytes() const {
    return below_.allocated_bytes();
}

}  // namespace insitu
