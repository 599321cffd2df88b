// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "insitu/internal/format/geometry.hpp"
#include "insitu/store.hpp"

namespace insitu {

// How many payloads decode with each codec.
struct CodecEvidence {
    unsigned tried = 0;
    unsigned lzo = 0;
    unsigned deflate = 0;
};

// Decodes the first compressed extents that the meta names, at most `limit`, with both codecs.
CodecEvidence codec_by_meta(const Store& store, BlockCounts counts, unsigned limit);

// The same without meta: payloads that describe themselves, in the first windows that hold data.
CodecEvidence codec_by_payloads(const Store& store, BlockCounts counts, unsigned limit);

}  // namespace insitu
