// SPDX-License-Identifier: GPL-2.0-or-later
#include "unpack/unpack_target.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "common/paths.hpp"
#include "common/sizes.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/image/window_reader.hpp"

namespace insitu::apps {

namespace {

// Whether the content from `from_byte` on, which is in the last block, is zeros.
bool ends_in_zeros(const Image& image, const UnpackArguments& options, std::uint64_t from_byte) {
    const Geometry& geometry = image.geometry();
    const WindowIndex last{geometry.window_count() - 1};
    std::vector<std::byte> content(geometry.blocks_in_window(last) * block_bytes);
    WindowReader reader(image);
    if (options.ignore_seals) reader.set_seal_check(SealCheck::ignore);
    reader.read(last, content, nullptr);
    const auto from =
        content.begin() + static_cast<std::ptrdiff_t>(from_byte - last.value * window_bytes);
    return std::all_of(from, content.end(), [](std::byte byte) { return byte == std::byte{0}; });
}

}  // namespace

void fit_device(const Tool& tool, const UnpackArguments& options, const Image& image,
                std::uint64_t device_bytes, UnpackOptions& wanted) {
    const std::uint64_t length_bytes = unpacked_bytes(image, wanted);
    const std::uint64_t sector_size = Target::device_sector_bytes(options.target);
    const std::uint64_t excess = length_bytes > device_bytes ? length_bytes - device_bytes : 0;
    const bool is_whole = options.length.empty();
    if (excess != 0) {
        const std::uint64_t end = wanted.offset_bytes + device_bytes;
        if (!is_whole || excess >= block_bytes || !ends_in_zeros(image, options, end)) {
            throw Error(
                ErrorKind::refused, {.file = options.target},
                fmt::format("the device has {} bytes, the content {}", device_bytes, length_bytes),
                "take a larger device, or a part with --offset and --length");
        }
        tool.note(fmt::format("{}: the last {} of it are zeros of padding and left out",
                              options.image.path, counted(excess, "byte")));
        wanted.length_bytes = device_bytes;
        return;
    }
    if (length_bytes % sector_size == 0) return;
    if (!is_whole) {
        throw Error(
            ErrorKind::refused, {.file = options.target},
            fmt::format("--length of {} bytes is not a multiple of the device's sectors of {}",
                        length_bytes, sector_size),
            "give a length of whole sectors");
    }
    // The source ended within a sector; the image has zeros after it.
    const std::uint64_t whole = ceil_div(length_bytes, sector_size) * sector_size;
    const std::uint64_t rest = image.geometry().logical_bytes() - wanted.offset_bytes;
    wanted.length_bytes = std::min({whole, rest, device_bytes});
}

Target open_raw_target(const Tool& tool, const UnpackArguments& options, const Image& image,
                       const UnpackOptions& wanted) {
    OutputOptions output{.mode_limit = mode_limit_of(tool.world(), options.image.path)};
    if (options.in_place) output.in_place = OutputOptions::InPlace::allow;
    return {options.target, TargetKind::raw, unpacked_bytes(image, wanted),
            options.force ? Target::Overwrite::force : Target::Overwrite::refuse, output};
}

}  // namespace insitu::apps
