// SPDX-License-Identifier: GPL-2.0-or-later
#include "fsck/fingerprint.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "insitu/error.hpp"
#include "insitu/internal/format/geometry.hpp"
#include "insitu/internal/store/aligned_buffer.hpp"
#include "window/zero_blocks.hpp"

namespace insitu {

std::uint64_t fingerprint_end(std::uint64_t size_bytes) noexcept {
    const std::uint64_t meta_end = (1 + counts_for_device(size_bytes).meta_blocks) * block_bytes;
    return std::min(size_bytes, meta_end);
}

std::uint64_t image_fingerprint(const Store& store) {
    const std::uint64_t size = store.size_bytes();
    const std::uint64_t end = fingerprint_end(size);
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

namespace {

constexpr std::uint64_t sampled_blocks = 64;

std::vector<std::uint64_t> sample_places(std::uint64_t size_bytes) {
    const std::uint64_t first = ceil_div(fingerprint_end(size_bytes), block_bytes);
    const std::uint64_t blocks =
        size_bytes / block_bytes - std::min(first, size_bytes / block_bytes);
    const std::uint64_t count = std::min(blocks, sampled_blocks);
    std::vector<std::uint64_t> places;
    for (std::uint64_t i = 0; i < count; ++i)
        places.push_back((first + i * (blocks / count)) * block_bytes);
    return places;
}

}  // namespace

DataSample::DataSample(std::uint64_t size_bytes)
    : places_(sample_places(size_bytes)), blocks_((places_.size() + 1) * block_bytes) {
    std::memset(blocks_.data(), 0, blocks_.size());
}

void DataSample::read(const Store& store) {
    for (std::size_t i = 0; i < count(); ++i) {
        if (at_byte(i) + block_bytes > store.size_bytes()) continue;
        try {
            store.read_at(at_byte(i), block(i));
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::io) throw;
            std::memset(block(i).data(), 0, block_bytes);
        }
    }
}

std::uint64_t DataSample::hash() const noexcept {
    const std::uint64_t hash = XXH3_64bits(blocks_.data(), blocks_.size());
    return hash != 0 ? hash : 1;
}

std::uint64_t data_sample(const Store& store) {
    DataSample sample(store.size_bytes());
    sample.read(store);
    return sample.hash();
}

}  // namespace insitu
