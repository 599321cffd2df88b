// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "fsck/window_check.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/format/payload.hpp"

// What the driver makes of payloads that are not as they should be.
namespace insitu {

// The driver adds up the shares, whatever they are, and reads so many sectors.
KernelEffect WindowChecker::effect_of_shares(const StoredExtent& extent, KernelEffect otherwise) {
    if (extent.payload_sectors == 0) return KernelEffect::reads_zeros;
    if (extent.raw()) return KernelEffect::wrong_data;
    AlignedBuffer payload(extent.payload_sectors * sector_bytes);
    try {
        image_.store().read_at(image_.geometry().block_at_byte(extent.first), payload.span());
    } catch (const Error&) {
        return otherwise;
    }
    return driver_view(image_.algorithm(), decoder_.decoder(), payload.view(),
                       content_.first(extent.blocks * block_bytes))
        .effect;
}

// A length word that is not that of the stream. What the driver reads all the same is no damage:
// its inflate stops at the end of the stream.
void WindowChecker::judge_length(JudgedExtent& judged, ByteView payload) {
    const Extent& extent = judged.extent;
    const std::uint32_t length = unsafe_stream_length(payload);
    const DriverView view = driver_view(image_.algorithm(), decoder_.decoder(), payload,
                                        content_.first(extent.blocks * block_bytes));
    Finding& finding = report(
        FindingId::p01, stored(extent),
        fmt::format("payload length {} does not fit {} sectors{}", length, extent.payload_sectors,
                    view.reads_right ? "; the stream ends before and reads "
                                       "right"
                                     : ""));
    finding.effect = view.effect;
    if (view.reads_right && view.effect == KernelEffect::none) {
        finding.severity = Severity::warning;
        return;
    }
    judged.judgement = Judgement::broken;
}

}  // namespace insitu
