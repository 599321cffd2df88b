// SPDX-License-Identifier: GPL-2.0-or-later
#include "pack/sparse_sums.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "insitu/internal/engine/stop_check.hpp"

namespace insitu::apps {

void SparseSums::add_raw(const Store& file, std::uint64_t at_byte, std::uint64_t length_bytes,
                         const StopFlag* stop) {
    constexpr std::uint64_t piece_bytes = std::uint64_t{1} << 18;
    std::vector<std::byte> buffer(std::min(piece_bytes, length_bytes));
    Crc32 sum;
    while (length_bytes != 0) {
        throw_if_stopped(stop);
        const ByteSpan piece =
            ByteSpan(buffer).first(std::min<std::uint64_t>(buffer.size(), length_bytes));
        file.read_at(at_byte, piece);
        sum.add(piece);
        at_byte += piece.size();
        length_bytes -= piece.size();
    }
    add(sum);
}

void SparseSums::add_fill(ByteView value, std::uint64_t length_bytes) noexcept {
    Crc32 sum;
    sum.add_repeated(value, length_bytes / value.size());
    add(sum);
}

void SparseSums::add_hole(std::uint64_t length_bytes) noexcept {
    constexpr std::array<std::byte, 1> zero{};
    with_holes_.add_repeated(zero, length_bytes);
}

}  // namespace insitu::apps
