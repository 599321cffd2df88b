// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/image/window_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "codec/partial.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/format/payload.hpp"
#include "insitu/internal/format/seal.hpp"

namespace insitu {

namespace {

// Reading a hole of this size from memory takes about as long as another system call.
constexpr std::uint64_t joined_gap_bytes = 8192;

std::uint64_t payload_bytes(const StoredExtent& extent) noexcept {
    return extent.payload_sectors * sector_bytes;
}

void zero_fill(ByteSpan bytes) noexcept {
    std::memset(bytes.data(), 0, bytes.size());
}

std::uint32_t bits(std::uint64_t first, std::uint64_t count) noexcept {
    return static_cast<std::uint32_t>(((std::uint64_t{1} << count) - 1) << first);
}

}  // namespace

DamageSink::~DamageSink() = default;

WindowReader::WindowReader(const Image& image)
    : image_(&image), meta_(image), decoder_(image.algorithm()), payload_(window_bytes) {}

ExtentDamage WindowReader::damage_of(const StoredExtent& extent, std::string text) const {
    return {extent, image_->geometry().block_at_byte(extent.first), std::move(text), 0};
}

ExtentDamage WindowReader::fault_of_meta(const StoredExtent& extent) {
    return {extent, image_->geometry().entry_at_byte(extent.first), meta_.explain(extent), 0};
}

void WindowReader::report(const ExtentDamage& found, DamageSink* damage) const {
    if (damage != nullptr) return damage->damaged(found);
    const Place place{.file = image_->store().name(),
                      .window = window_of(found.extent.first),
                      .block = found.extent.first,
                      .byte = found.at_byte};
    throw Error(
        found.os_error != 0 ? ErrorKind::io : ErrorKind::damaged, place, found.text,
        found.seal_differs
            ? "insitu-fsck reports what can be repaired; insitu-unpack --no-verify-seals reads it "
              "all the same"
            : "--salvage continues after damaged extents; insitu-fsck reports what can be "
              "repaired",
        found.os_error);
}

// Whether a deflate stream is whole though its length word is too large.
bool WindowReader::decode_beside_word(ByteView payload, ByteSpan output) {
    const std::uint32_t length = unsafe_stream_length(payload);
    if (image_->algorithm() != Algorithm::deflate || length == 0) return false;
    const ByteView stream = payload.first(std::min<std::size_t>(length, payload.size()));
    if (decode_open_end(Algorithm::deflate, stream, output) != output.size()) return false;
    ++long_words_;
    return true;
}

std::optional<ExtentDamage> WindowReader::decode_whole(const StoredExtent& extent, ByteView payload,
                                                       ByteSpan output) {
    if (extent.raw()) {
        std::memcpy(output.data(), payload.data(), output.size());
        return std::nullopt;
    }
    const auto fault = decoder_.decode(extent.first, payload, output);
    if (!fault) return std::nullopt;
    using Kind = PayloadFault::Kind;
    const bool word_is_suspect = fault->kind == Kind::length || fault->kind == Kind::corrupt;
    if (word_is_suspect && decode_beside_word(payload, output)) return std::nullopt;
    ExtentDamage damage = damage_of(extent, fault->text());
    damage.seal_differs = fault->kind == Kind::unsealed;
    return damage;
}

// Damage leaves zeros in the output, or what decodes before it and zeros behind.
std::optional<ExtentDamage> WindowReader::decode(const StoredExtent& extent, ByteView payload,
                                                 ByteSpan output) {
    auto damage = decode_whole(extent, payload, output);
    if (!damage) return damage;
    zero_fill(output);
    if (salvage_ == Salvage::nothing) return damage;
    salvage(payload.first(payload.size() - length_word_bytes), output, *damage);
    return damage;
}

void WindowReader::salvage(ByteView stream, ByteSpan output, ExtentDamage& damage) const {
    const std::size_t given = decode_partly(image_->algorithm(), stream, output);
    damage.unproven_blocks = static_cast<unsigned>(given / block_bytes);
    // Of a block that is listed as lost nothing is given.
    zero_fill(output.subspan(damage.unproven_blocks * block_bytes));
}

// The sectors of a compressed extent before the first that cannot be read.
ByteView WindowReader::readable_part(const StoredExtent& extent, ByteSpan payload) const {
    const std::uint64_t at = image_->geometry().block_at_byte(extent.first);
    std::size_t good = 0;
    try {
        for (; good < payload.size(); good += sector_bytes)
            image_->store().read_at(at + good, payload.subspan(good, sector_bytes));
    } catch (const Error&) {
        // It ends here.
    }
    return payload.first(good);
}

// A raw extent block by block: those that can be read need nothing of the others.
void WindowReader::salvage_raw(const StoredExtent& extent, ByteSpan output, DamageSink& damage) {
    std::optional<ExtentDamage> lost;
    for (unsigned i = 0; i < extent.blocks; ++i) {
        const StoredExtent block{extent.first + i, 1, sectors_per_block};
        const auto found = read_extent(block, output.subspan(i * block_bytes, block_bytes));
        if (!found) {
            if (lost) damage.damaged(*lost);
            lost.reset();
        } else if (lost) {
            ++lost->extent.blocks;
            lost->extent.payload_sectors += sectors_per_block;
        } else {
            lost = found;
        }
    }
    if (lost) damage.damaged(*lost);
}

void WindowReader::read_one(const StoredExtent& extent, ByteSpan output, DamageSink* damage) {
    const auto found = read_extent(extent, output);
    if (!found) return;
    const bool has_readable_blocks = salvage_ == Salvage::prefix && damage != nullptr &&
                                     extent.raw() && extent.fault == ExtentFault::none;
    if (has_readable_blocks) return salvage_raw(extent, output, *damage);
    report(*found, damage);
}

std::optional<ExtentDamage> WindowReader::read_extent(const StoredExtent& extent, ByteSpan output) {
    if (extent.fault != ExtentFault::none) {
        // A stream that decodes to exactly these blocks is proof enough where only the shares of
        // its meta are wrong; the driver reads it too.
        const bool only_shares =
            extent.fault == ExtentFault::bad_share || extent.fault == ExtentFault::unpacked_shares;
        ExtentDamage fault = fault_of_meta(extent);
        if (!only_shares || extent.payload_sectors >= sectors_per_block * extent.blocks) {
            zero_fill(output);
            return fault;
        }
        if (const auto found = load(extent, output)) {
            fault.unproven_blocks = found->unproven_blocks;
            return fault;
        }
        return std::nullopt;
    }
    if (extent.unmapped()) {
        zero_fill(output);
        return std::nullopt;
    }
    return load(extent, output);
}

// Reads and decodes a payload, as the sum of the shares says.
std::optional<ExtentDamage> WindowReader::load(const StoredExtent& extent, ByteSpan output) {
    const std::uint64_t at = image_->geometry().block_at_byte(extent.first);
    const std::uint64_t length = payload_bytes(extent);
    try {
        if (extent.raw()) {
            image_->store().read_at(at, output);
            return std::nullopt;
        }
        if (length <= payload_.size()) {
            image_->store().read_at(at, payload_.first(length));
            return decode(extent, payload_.first(length), output);
        }
        AlignedBuffer large(length);
        image_->store().read_at(at, large.span());
        return decode(extent, large.view(), output);
    } catch (const Error& error) {
        zero_fill(output);
        ExtentDamage damage =
            damage_of(extent, fmt::format("payload of {} bytes cannot be read", length));
        if (error.kind() == ErrorKind::io) {
            damage.os_error = error.os_error();
            damage.text += fmt::format(": {}", std::strerror(error.os_error()));
        } else {
            damage.text += ": the file ends before";
        }
        if (salvage_ == Salvage::prefix && !extent.raw()) {
            AlignedBuffer sectors(length);
            salvage(readable_part(extent, sectors.span()), output, damage);
        }
        return damage;
    }
}

std::size_t WindowReader::run_length(std::span<const StoredExtent> extents) const {
    const BlockIndex window_end = first_block_of(window_of(extents[0].first)) + window_blocks;
    std::size_t length = 1;
    std::uint64_t end_byte = extents[0].first.value * block_bytes + payload_bytes(extents[0]);
    for (std::size_t i = 1; i < extents.size(); ++i) {
        const StoredExtent& next = extents[i];
        const std::uint64_t start_byte = next.first.value * block_bytes;
        if (next.unmapped()) continue;
        if (next.fault != ExtentFault::none || next.end() > window_end) break;
        if (start_byte - end_byte > joined_gap_bytes) break;
        end_byte = start_byte + payload_bytes(next);
        length = i + 1;
    }
    return length;
}

// False: the run could not be read as a whole, its extents are to be read one by one.
bool WindowReader::read_run(std::span<const StoredExtent> run, BlockIndex window_first,
                            ByteSpan output, DamageSink* damage) {
    const Geometry& geometry = image_->geometry();
    const BlockIndex first = run.front().first;
    const std::uint64_t at = geometry.block_at_byte(first);
    const std::uint64_t length =
        geometry.block_at_byte(run.back().first) + payload_bytes(run.back()) - at;
    const auto part = [&](const StoredExtent& extent) {
        return output.subspan((extent.first.value - window_first.value) * block_bytes,
                              extent.blocks * block_bytes);
    };
    const bool all_raw = std::all_of(run.begin(), run.end(),
                                     [](const StoredExtent& extent) { return extent.raw(); });
    try {
        if (all_raw) {
            // Raw extents side by side are one piece, on the device as in the output.
            const std::uint64_t offset = (first.value - window_first.value) * block_bytes;
            image_->store().read_at(at, output.subspan(offset, length));
            return true;
        }
        image_->store().read_at(at, payload_.first(length));
    } catch (const Error&) {
        return false;
    }
    for (const StoredExtent& extent : run) {
        if (extent.unmapped()) {
            zero_fill(part(extent));
            continue;
        }
        const std::uint64_t offset = geometry.block_at_byte(extent.first) - at;
        const ByteView payload = payload_.view().subspan(offset, payload_bytes(extent));
        if (const auto found = decode(extent, payload, part(extent))) {
            report(*found, damage);
        }
    }
    return true;
}

// An extent that reaches over a border of the window: decoded whole, used in part.
void WindowReader::read_long(const StoredExtent& extent, WindowIndex window, ByteSpan output,
                             DamageSink* damage) {
    const BlockIndex window_first = first_block_of(window);
    const BlockIndex first = std::max(extent.first, window_first);
    const BlockIndex end = std::min(extent.end(), window_first + output.size() / block_bytes);
    const ByteSpan part = output.subspan((first.value - window_first.value) * block_bytes,
                                         (end.value - first.value) * block_bytes);
    AlignedBuffer content(extent.blocks * block_bytes);
    const auto found = read_extent(extent, content.span());
    std::memcpy(part.data(), content.data() + (first.value - extent.first.value) * block_bytes,
                part.size());
    if (found) report(*found, damage);
}

std::uint32_t WindowReader::read(WindowIndex window, ByteSpan output, DamageSink* damage) {
    const BlockIndex window_first = first_block_of(window);
    const BlockIndex window_end = window_first + output.size() / block_bytes;
    const auto extents = meta_.extents_touching(window);
    std::uint32_t mapped = 0;
    for (std::size_t i = 0; i < extents.size();) {
        const StoredExtent& extent = extents[i];
        const BlockIndex first = std::max(extent.first, window_first);
        const BlockIndex end = std::min(extent.end(), window_end);
        const std::uint64_t offset_blocks = first.value - window_first.value;
        const ByteSpan part =
            output.subspan(offset_blocks * block_bytes, (end.value - first.value) * block_bytes);
        std::size_t used = 1;
        if (extent.unmapped()) {
            zero_fill(part);
        } else if (extent.first < window_first || extent.end() > window_end) {
            mapped |= bits(offset_blocks, end.value - first.value);
            read_long(extent, window, output, damage);
        } else {
            const bool sound = extent.fault == ExtentFault::none;
            const std::size_t run = sound ? run_length(extents.subspan(i)) : 1;
            if (run > 1 && read_run(extents.subspan(i, run), window_first, output, damage)) {
                used = run;
            } else {
                read_one(extent, part, damage);
            }
            for (const StoredExtent& done : extents.subspan(i, used)) {
                if (done.unmapped()) continue;
                mapped |= bits(done.first.value - window_first.value, done.blocks);
            }
        }
        i += used;
    }
    return mapped;
}

}  // namespace insitu
