// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "insitu/internal/api.hpp"
#include "insitu/internal/format/seal.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/internal/image/meta_cursor.hpp"
#include "insitu/internal/store/aligned_buffer.hpp"
#include "insitu/internal/window/payload_decoder.hpp"

namespace insitu {

// An extent whose content cannot be had.
struct ExtentDamage {
    StoredExtent extent;
    std::uint64_t at_byte =
        0;  // on the device: of its payload, or of its meta where that is at fault
    std::string text;
    int os_error = 0;           // where the payload could not be read
    bool seal_differs = false;  // it decodes, and is not what was sealed
    // The first blocks of it that decode before the damage, if asked for: nothing proves them.
    unsigned unproven_blocks = 0;
};

// Told of damage while reading goes on; called from the thread that reads.
class INSITU_API DamageSink {
  public:
    virtual ~DamageSink();
    virtual void damaged(const ExtentDamage& damage) = 0;
};

// Reads the content of windows. Not thread-safe: one a thread, of a fixed size.
class INSITU_API WindowReader {
  public:
    explicit WindowReader(const Image& image);
    explicit WindowReader(const Image&& image) = delete;

    // What of a damaged extent is given: nothing, or what decodes before the damage and, of raw
    // ones, the blocks that can be read. The others are told as extents of their own then.
    enum class Salvage { nothing, prefix };
    void set_salvage(Salvage salvage) noexcept { salvage_ = salvage; }

    // Whether an extent whose stream differs from its seal is damaged, or is read as the driver
    // reads it. Default: damaged.
    void set_seal_check(SealCheck check) noexcept { decoder_.set_seal_check(check); }

    // Reads a window's blocks into `output` (blocks_in_window() * 4096 bytes); unmapped blocks give
    // zeros. Blocks of a damaged extent give zeros and are told to `damage`; without a sink the
    // first damage is thrown as a `damaged` (or `io`) Error. Returns a bit for each mapped block.
    std::uint32_t read(WindowIndex window, ByteSpan output, DamageSink* damage);

    // Reads and decodes one extent into `output` (extent.blocks * 4096 bytes). Empty: done.
    std::optional<ExtentDamage> read_extent(const StoredExtent& extent, ByteSpan output);

    // Extents so far whose length word goes beyond their deflate stream: the driver's inflate stops
    // at the end of the stream and reads them, and so does this.
    std::uint64_t long_words() const noexcept { return long_words_; }

    MetaCursor& meta() noexcept { return meta_; }

  private:
    // Sound extents whose payloads are near each other are read with one call.
    std::size_t run_length(std::span<const StoredExtent> extents) const;
    bool read_run(std::span<const StoredExtent> run, BlockIndex window_first, ByteSpan output,
                  DamageSink* damage);
    void read_long(const StoredExtent& extent, WindowIndex window, ByteSpan output,
                   DamageSink* damage);
    std::optional<ExtentDamage> load(const StoredExtent& extent, ByteSpan output);
    std::optional<ExtentDamage> decode(const StoredExtent& extent, ByteView payload,
                                       ByteSpan output);
    std::optional<ExtentDamage> decode_whole(const StoredExtent& extent, ByteView payload,
                                             ByteSpan output);
    bool decode_beside_word(ByteView payload, ByteSpan output);
    void salvage(ByteView stream, ByteSpan output, ExtentDamage& damage) const;
    ByteView readable_part(const StoredExtent& extent, ByteSpan payload) const;
    void salvage_raw(const StoredExtent& extent, ByteSpan output, DamageSink& damage);
    void read_one(const StoredExtent& extent, ByteSpan output, DamageSink* damage);
    ExtentDamage damage_of(const StoredExtent& extent, std::string text) const;
    ExtentDamage fault_of_meta(const StoredExtent& extent);
    void report(const ExtentDamage& found, DamageSink* damage) const;

    const Image* image_;
    MetaCursor meta_;
    PayloadDecoder decoder_;
    AlignedBuffer payload_;
    std::uint64_t long_words_ = 0;
    Salvage salvage_ = Salvage::nothing;
};

}  // namespace insitu
