// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/fsck/seal_image.hpp"

#include <algorithm>
#include <memory>
#include <mutex>

#include "engine/for_each.hpp"
#include "image/window_batches.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/codec/codec.hpp"
#include "insitu/internal/format/seal.hpp"
#include "insitu/internal/image/meta_cursor.hpp"
#include "insitu/internal/store/aligned_buffer.hpp"
#include "insitu/internal/window/payload_decoder.hpp"

namespace insitu {

SealResult& SealResult::operator+=(const SealResult& other) noexcept {
    sealed_before += other.sealed_before;
    added += other.added;
    replaced += other.replaced;
    differing += other.differing;
    no_room += other.no_room;
    damaged += other.damaged;
    return *this;
}

namespace {

// One worker: reads payloads, and writes the last sector of those that it seals.
class Sealer {
  public:
    Sealer(const Image& image, Store& store, SealScope scope)
        : image_(image), store_(store), scope_(scope), cursor_(image), decoder_(image.algorithm()) {
        decoder_.set_seal_check(SealCheck::ignore);
    }

    SealResult work(const WindowBatch& batch) {
        result_ = {};
        for (std::uint64_t i = 0; i < batch.count; ++i) {
            const WindowIndex window = batch.first + i;
            for (const StoredExtent& extent : cursor_.extents_touching(window)) {
                const bool here = window_of(extent.first) == window;
                // Longer ones are of no writer that knows seals.
                if (here && !extent.unmapped() && extent.blocks <= window_blocks) seal(extent);
            }
        }
        return result_;
    }

  private:
    void seal(const StoredExtent& extent) {
        if (extent.fault != ExtentFault::none) {
            ++result_.damaged;
            return;
        }
        if (extent.raw()) return;
        const std::uint64_t at = image_.geometry().block_at_byte(extent.first);
        const ByteSpan payload = payload_.first(extent.payload_sectors * sector_bytes);
        try {
            store_.read_at(at, payload);
        } catch (const Error&) {
            ++result_.damaged;
            return;
        }
        const SealState state = check_seal(payload, extent.first);
        if (state == SealState::right) {
            ++result_.sealed_before;
        } else if (!decodes(extent, payload)) {
            ++result_.damaged;
        } else if (state == SealState::differs && scope_ == SealScope::unsealed) {
            ++result_.differing;
        } else if (!seal_fits(unsafe_stream_length(payload), extent.payload_sectors)) {
            ++result_.no_room;
        } else {
            seal_payload(payload, extent.first);
            std::copy(payload.end() - sector_bytes, payload.end(), sector_.data());
            store_.write_at(at + payload.size() - sector_bytes, sector_.view());
            ++(state == SealState::none ? result_.added : result_.replaced);
        }
    }

    bool decodes(const StoredExtent& extent, ByteView payload) {
        const std::uint32_t length = unsafe_stream_length(payload);
        if (!stream_fits(length, extent.payload_sectors)) return false;
        return !decoder_.decode(extent.first, payload, content_.first(extent.blocks * block_bytes));
    }

    const Image& image_;
    Store& store_;
    SealScope scope_;
    MetaCursor cursor_;
    PayloadDecoder decoder_;
    AlignedBuffer payload_{window_bytes};
    AlignedBuffer content_{window_bytes};
    AlignedBuffer sector_{sector_bytes};
    SealResult result_;
};

}  // namespace

SealResult seal_image(const Image& image, Store& store, SealScope scope, const Control& control) {
    MappedBatches batches(image);
    std::mutex mutex;
    SealResult total;
    control.begin(image.geometry().logical_bytes());
    for_each<WindowBatch>(
        control, [&](WindowBatch& batch) { return batches.take(batch); },
        [&] {
            return [&, sealer = std::make_unique<Sealer>(image, store, scope)](WindowBatch& batch) {
                const SealResult part = sealer->work(batch);
                control.advance((batch.skipped + batch.count) * window_bytes);
                const std::lock_guard guard(mutex);
                total += part;
            };
        });
    control.syncing();
    if (total.added + total.replaced != 0) store.sync();
    return total;
}

}  // namespace insitu
