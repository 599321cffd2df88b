// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/image/create.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "insitu/error.hpp"
#include "insitu/internal/store/aligned_buffer.hpp"
#include "window/zero_blocks.hpp"

namespace insitu {

SuperBlock super_block_for(std::uint64_t device_bytes, Algorithm algorithm,
                           const std::string& name) {
    const Place place{.file = name};
    const NearestSizes nearest = nearest_usable_sizes(device_bytes);
    switch (classify_device(device_bytes)) {
        case DeviceFit::usable:
            break;
        case DeviceFit::too_small:
            throw Error(ErrorKind::refused, place,
                        fmt::format("{} bytes are too small for an image: it takes at least {}",
                                    device_bytes, nearest.above_bytes),
                        fmt::format("the nearest usable size is {} bytes", nearest.above_bytes));
        case DeviceFit::driver_overflows:
            throw Error(ErrorKind::refused, place,
                        fmt::format("the driver cannot use a device of {} blocks ({} bytes): its "
                                    "count of data blocks overflows",
                                    device_bytes / block_bytes, device_bytes),
                        fmt::format("the nearest usable sizes are {} and {} bytes",
                                    nearest.below_bytes.value_or(nearest.above_bytes),
                                    nearest.above_bytes));
        case DeviceFit::too_large:
            throw Error(ErrorKind::refused, place,
                        fmt::format("{} bytes are more than the tools can address", device_bytes));
    }
    SuperBlock super;
    super.counts = counts_for_device(device_bytes);
    super.comp_alg = static_cast<std::uint8_t>(algorithm);
    return super;
}

std::uint64_t invalidate_target(Store& target, TargetContent content) {
    if (content == TargetContent::zeros) return 0;
    AlignedBuffer block(block_bytes);
    target.read_at(0, block.span());
    std::uint64_t written_bytes = 0;
    if (!is_zero(block.view())) {
        std::fill(block.span().begin(), block.span().end(), std::byte{0});
        target.write_at(0, block.view());
        target.sync();
        written_bytes = block_bytes;
    }
    target.discard(0, target.size_bytes());
    return written_bytes;
}

std::uint64_t write_super_block_last(Store& target, const SuperBlock& super,
                                     const std::optional<Identity>& identity) {
    AlignedBuffer block(block_bytes);
    encode_super_block(super, block.span().first<block_bytes>());
    if (identity) {
        encode_identity(*identity, block.span().subspan(identity_at_byte).first<sector_bytes>());
    }
    target.sync();
    target.write_at(0, block.view());
    target.sync();
    return block_bytes;
}

std::optional<Identity> read_identity(const Store& store) {
    if (store.size_bytes() < block_bytes) return std::nullopt;
    AlignedBuffer sector(sector_bytes);
    store.read_at(identity_at_byte, sector.span());
    return decode_identity(sector.view().first<sector_bytes>());
}

void write_identity(Store& store, const Identity& identity) {
    if (!valid_label(identity.label)) {
        throw Error(ErrorKind::refused, {.file = store.name()},
                    fmt::format("a label of {} bytes cannot be stored: expected at most {} of "
                                "UTF-8 without control characters",
                                identity.label.size(), label_bytes));
    }
    AlignedBuffer sector(sector_bytes);
    encode_identity(identity, sector.span().first<sector_bytes>());
    store.write_at(identity_at_byte, sector.view());
    store.sync();
}

}  // namespace insitu
