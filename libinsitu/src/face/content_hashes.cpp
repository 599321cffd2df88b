// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/face/content_hashes.hpp"

#include <algorithm>
#include <new>
#include <vector>

#include "format/xxhash_dispatch.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/engine/stop_check.hpp"
#include "insitu/internal/format/window_map.hpp"
#include "insitu/internal/store/null_store.hpp"
#include "insitu/unpack.hpp"

namespace insitu {

namespace {

class RowMaker final : public ContentSink {
  public:
    explicit RowMaker(const std::function<void(const ManifestExtent&)>& take) : take_(take) {}

    void window(const ContentWindow& window) override {
        // What continues an extent of the window before has a row of its own.
        if (const unsigned tails = window.map->leading_tails(); tails != 0) add(window, 0, tails);
        for (const Extent extent : window.map->extents()) {
            if (!extent.unmapped()) add(window, extent.first, extent.blocks);
        }
    }

  private:
    void add(const ContentWindow& window, unsigned first, unsigned blocks) {
        take_({first_block_of(window.window) + first, blocks,
               content_hash(window.content.subspan(first * block_bytes, blocks * block_bytes))});
    }

    const std::function<void(const ManifestExtent&)>& take_;
};

}  // namespace

void hash_contents(const Image& image, PendingCheck pending,
                   const std::function<void(const ManifestExtent&)>& take, const Control& control) {
    RowMaker maker(take);
    UnpackOptions options;
    options.pending = pending;
    options.target_content = TargetContent::zeros;
    options.content = &maker;
    NullStore nowhere(image.geometry().logical_bytes());
    static_cast<void>(unpack(image, nowhere, options, control));
}

struct ContentCompare::Hash {
    struct Free {
        void operator()(XXH3_state_t* used) const noexcept { XXH3_freeState(used); }
    };
    std::unique_ptr<XXH3_state_t, Free> state{XXH3_createState()};
};

ContentCompare::ContentCompare(std::span<const ManifestExtent> rows, std::uint64_t logical_bytes,
                               Manifest::Others others, const StopFlag* stop, Differs differs)
    : rows_(rows),
      logical_bytes_(logical_bytes),
      others_(others),
      stop_(stop),
      differs_(std::move(differs)),
      hash_(std::make_unique<Hash>()) {
    if (!hash_->state) throw std::bad_alloc();
}

ContentCompare::~ContentCompare() = default;

// A piece that lies as a whole inside the next row, or before it.
void ContentCompare::pass_one(ByteView bytes) {
    const std::uint64_t end_byte = at_byte_ + bytes.size();
    if (next_row_ == rows_.size() || end_byte <= rows_[next_row_].first.value * block_bytes) {
        if (others_ == Manifest::Others::unknown) return;
        const auto found = std::find_if(bytes.begin(), bytes.end(),
                                        [](std::byte byte) { return byte != std::byte{0}; });
        if (found == bytes.end()) return;
        differs_(
            {{(at_byte_ + static_cast<std::uint64_t>(found - bytes.begin())) / block_bytes}, 1});
        return;
    }
    const ManifestExtent& row = rows_[next_row_];
    XXH3_state_t* const state = hash_->state.get();
    if (at_byte_ == row.first.value * block_bytes) XXH3_128bits_reset(state);
    XXH3_128bits_update(state, bytes.data(), bytes.size());
    if (end_byte < row.end().value * block_bytes) return;
    const XXH128_hash_t hash = XXH3_128bits_digest(state);
    if (ContentHash{hash.high64, hash.low64} != row.hash) differs_({row.first, row.blocks});
    ++next_row_;
}

void ContentCompare::pass(ByteView bytes) {
    while (!bytes.empty()) {
        std::uint64_t border = at_byte_ + bytes.size();
        if (next_row_ < rows_.size()) {
            const ManifestExtent& row = rows_[next_row_];
            const std::uint64_t start = row.first.value * block_bytes;
            border = std::min(border, at_byte_ < start ? start : row.end().value * block_bytes);
        }
        const ByteView piece = bytes.first(border - at_byte_);
        pass_one(piece);
        at_byte_ = border;
        bytes = bytes.subspan(piece.size());
    }
}

// Zeros are worth the time only if a row is said to be there.
void ContentCompare::pass_zeros_until(std::uint64_t end_byte) {
    static const std::vector<std::byte> zeros(window_bytes);
    while (at_byte_ < end_byte) {
        throw_if_stopped(stop_);
        const std::uint64_t next =
            next_row_ < rows_.size() ? rows_[next_row_].first.value * block_bytes : end_byte;
        if (next > at_byte_) {
            at_byte_ = std::min(next, end_byte);
        } else {
            pass(ByteView(zeros).first(std::min<std::uint64_t>(zeros.size(), end_byte - at_byte_)));
        }
    }
}

void ContentCompare::window(const ContentWindow& window) {
    pass_zeros_until(window.window.value * window_bytes);
    pass(window.content);
}

void ContentCompare::finish() {
    pass_zeros_until(logical_bytes_);
}

}  // namespace insitu
