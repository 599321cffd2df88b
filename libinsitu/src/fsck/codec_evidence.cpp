// SPDX-License-Identifier: GPL-2.0-or-later
#include "fsck/codec_evidence.hpp"

#include "fsck/candidates.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/internal/image/meta_cursor.hpp"
#include "insitu/internal/image/window_reader.hpp"

namespace insitu {

namespace {

// Enough windows to meet compressed data where there is any, few enough to be quick.
constexpr unsigned most_windows = 65536;

Image image_with(const Store& store, BlockCounts counts, Algorithm algorithm) {
    SuperBlock super;
    super.counts = counts;
    super.comp_alg = static_cast<std::uint8_t>(algorithm);
    return Image(store, super);
}

}  // namespace

CodecEvidence codec_by_meta(const Store& store, BlockCounts counts, unsigned limit) {
    CodecEvidence evidence;
    const Image as_lzo = image_with(store, counts, Algorithm::lzo);
    const Image as_deflate = image_with(store, counts, Algorithm::deflate);
    MetaCursor cursor(as_lzo);
    WindowReader lzo(as_lzo);
    WindowReader deflate(as_deflate);
    lzo.set_seal_check(SealCheck::ignore);
    deflate.set_seal_check(SealCheck::ignore);
    AlignedBuffer content(window_bytes);
    const WindowIndex end{as_lzo.geometry().window_count()};
    unsigned windows = 0;
    for (WindowIndex window = cursor.next_mapped({0}); window < end && evidence.tried < limit;
         window = cursor.next_mapped(window + 1)) {
        if (++windows > most_windows) break;
        const WindowMap map = cursor.map(window);
        for (const Extent extent : map.extents()) {
            if (extent.unmapped() || extent.raw() || !map.extent_sound(extent)) continue;
            const StoredExtent stored{first_block_of(window) + extent.first, extent.blocks,
                                      extent.payload_sectors};
            const ByteSpan output = content.first(extent.blocks * block_bytes);
            ++evidence.tried;
            if (!lzo.read_extent(stored, output)) ++evidence.lzo;
            if (!deflate.read_extent(stored, output)) ++evidence.deflate;
        }
    }
    return evidence;
}

CodecEvidence codec_by_payloads(const Store& store, BlockCounts counts, unsigned limit) {
    CodecEvidence evidence;
    const Geometry geometry(counts);
    CandidateFinder lzo(Algorithm::lzo);
    CandidateFinder deflate(Algorithm::deflate);
    AlignedBuffer buffer(window_bytes);
    std::uint64_t next = 0;
    for (unsigned i = 0; i < most_windows && next < geometry.window_count(); ++i, ++next) {
        const std::uint64_t at = geometry.block_at_byte(first_block_of({next}));
        const std::uint64_t data = store.next_data(at);
        next += data > at ? (data - at) / window_bytes : 0;
        if (next >= geometry.window_count()) break;
        const WindowIndex window{next};
        const ByteSpan bytes = buffer.first(geometry.blocks_in_window(window) * block_bytes);
        try {
            store.read_at(geometry.block_at_byte(first_block_of(window)), bytes);
        } catch (const Error&) {
            continue;
        }
        evidence.lzo += static_cast<unsigned>(lzo.find(window, bytes, 0, 0).size());
        evidence.deflate += static_cast<unsigned>(deflate.find(window, bytes, 0, 0).size());
        evidence.tried = evidence.lzo + evidence.deflate;
        if (evidence.tried >= limit) break;
    }
    return evidence;
}

}  // namespace insitu
