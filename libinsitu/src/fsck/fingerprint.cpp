#include "fsck/fingerprint.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "image/zero_blocks.hpp"
#include "insitu/format/geometry.hpp"
#include "insitu/store/aligned_buffer.hpp"

namespace insitu {

std::uint64_t image_fingerprint(const Store& store) {
    const std::uint64_t size = store.size_bytes();
    const std::uint64_t meta_end = (1 + counts_for_device(size).meta_blocks) * block_bytes;
    const std::uint64_t end = std::min(size, meta_end);
    constexpr std::uint64_t step = 256 * block_bytes;
    AlignedBuffer buffer(step);
    std::uint64_t hash = XXH3_64bits(&size, sizeof size);
    for (std::uint64_t at = 0; at < end;) {
        const std::uint64_t data = store.next_data(at);
        if (data >= at + step) {
            at = data / step * step;
            continue;
        }
        const ByteSpan piece = buffer.first(std::min(step, end - at));
        store.read_at(at, piece);
        if (!is_zero(piece)) {
            hash = XXH3_64bits_withSeed(piece.data(), piece.size(), hash ^ (at / block_bytes));
        }
        at += step;
    }
    return hash;
}

}  // namespace insitu
