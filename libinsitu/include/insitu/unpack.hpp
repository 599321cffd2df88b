// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "insitu/internal/api.hpp"
#include "insitu/internal/engine/control.hpp"
#include "insitu/internal/format/seal.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/internal/image/meta_writer.hpp"
#include "insitu/internal/image/window_reader.hpp"
#include "insitu/internal/ops/content_sink.hpp"
#include "insitu/store.hpp"
#include "insitu/target.hpp"

namespace insitu {

struct UnpackOptions {
    // The part of the logical device that is wanted, in bytes.
    std::uint64_t offset_bytes = 0;
    std::optional<std::uint64_t> length_bytes = {};  // none: up to the end
    // A damaged extent ends the work (fail), or is listed. Its blocks are then what decodes before
    // the damage, or the raw blocks that can be read (salvage), or zeros (strict).
    enum class Damage { fail, salvage, strict } damage = Damage::fail;
    // Whether an extent that differs from its seal is damaged.
    SealCheck seal_check = SealCheck::verify;
    TargetContent target_content = TargetContent::unknown;
    PendingCheck pending = PendingCheck::refuse;
    // If set, receives the content of the whole image, window by window, even if only a part of it
    // is written.
    ContentSink* content = nullptr;
};

struct UnpackResult {
    std::uint64_t logical_bytes = 0;  // of the part that was wanted
    std::uint64_t written_bytes = 0;
    // In rising order, each extent once; at most listed_damage_limit of damage_count.
    std::vector<ExtentDamage> damage;
    std::uint64_t damage_count = 0;
    std::uint64_t damaged_blocks = 0;
    std::uint64_t unproven_blocks = 0;  // of them: written, though nothing proves them
    // Extents whose length word is too large for their stream, read as the driver reads them.
    std::uint64_t long_words = 0;
};

inline constexpr std::size_t listed_damage_limit = 100000;

// How many bytes unpack() will write. Throws a `refused` Error for a part outside the image.
INSITU_API std::uint64_t unpacked_bytes(const Image& image, const UnpackOptions& options);

// Writes the content of an image to the start of `target`, which has at least unpacked_bytes().
// An image with a pending intent is refused; that of open_image() has none.
// Blocks of zeros are skipped if the target holds zeros, otherwise zeroed. Memory: 1.5 MiB a
// thread. Throws `damaged`, `io`, `refused` and `cancelled` Errors. Does not sync.
// Not exported: for the tools, who run the protocol of a target by themselves.
INSITU_API UnpackResult unpack(const Image& image, Store& target, const UnpackOptions& options,
                               const Control& control);

// The same to a Target, whose whole protocol is run: prepare, write, commit. Its own content() is
// what counts, not that of `options`.
INSITU_API UnpackResult unpack(const Image& image, Target& target, UnpackOptions options,
                               const Control& control);

// The same to a stream: everything in order, zeros included. A closed reader is an `io` Error of
// EPIPE. Waiting for the reader of a pipe ends soon after a stop is asked for.
INSITU_API UnpackResult unpack_to_stream(const Image& image, int fd, const std::string& name,
                                         const UnpackOptions& options, const Control& control);

}  // namespace insitu
