// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/face/resize_store.hpp"

#include <algorithm>
#include <memory>

#include "insitu/internal/fsck/holes.hpp"
#include "insitu/internal/journal/recovery.hpp"
#include "insitu/internal/ops/copy.hpp"
#include "insitu/internal/store/file_store.hpp"
#include "insitu/internal/store/overlay_store.hpp"
#include "insitu/pack.hpp"

namespace insitu {

namespace {

class Resizer {
  public:
    Resizer(Store& store, const ResizeRequest& request, const Control& control)
        : store_(store),
          file_(dynamic_cast<FileStore*>(&store)),
          request_(request),
          control_(control) {
        if (file_ == nullptr) return;
        options_.set_size = [file = file_](std::uint64_t bytes) { file->resize(bytes); };
    }

    std::optional<ResizeOutcome> run() {
        if (auto resumed = resume_resize(store_, options_, control_)) {
            outcome_.result = *resumed;
            outcome_.resumed = true;
        }
        const SuperBlock before =
            Image::open(store_, SizeCheck::trust_super, PendingCheck::ignore).super();
        const auto device_bytes = wanted_bytes();
        if (!device_bytes && !outcome_.resumed) return std::nullopt;
        if (!outcome_.resumed) outcome_.before = before;
        const bool done_already =
            outcome_.resumed &&
            (!device_bytes ||
             pack_target_bytes(Geometry(before.counts).logical_bytes()) == *device_bytes);
        if (!done_already) {
            outcome_.result = resize_image(store_, *device_bytes, options_, control_);
        }
        outcome_.punched_bytes = punch_holes(Image(store_, outcome_.result.super), store_, {});
        store_.sync();
        return outcome_;
    }

  private:
    std::optional<std::uint64_t> wanted_bytes() {
        if (request_.fit == ResizeRequest::Fit::minimum) return pack_target_bytes(minimum_bytes());
        if (request_.logical_bytes) return pack_target_bytes(*request_.logical_bytes);
        if (file_ == nullptr) return store_.size_bytes();
        return std::nullopt;
    }

    // Logical. What a pending commit maps counts, as the next opening of a live device shows it.
    std::uint64_t minimum_bytes() {
        std::unique_ptr<OverlayStore> recovered;
        if (has_intent(store_)) {
            recovered = std::make_unique<OverlayStore>(store_);
            outcome_.recovered_windows =
                apply_intents(*recovered, StampCheck::required, most_bytes_in_memory).windows;
            clear_intents(*recovered);
        }
        const Store& settled = recovered ? static_cast<const Store&>(*recovered) : store_;
        const Image image = Image::open(settled, SizeCheck::trust_super, PendingCheck::ignore);
        return std::max<std::uint64_t>(used_blocks(image), 1) * block_bytes;
    }

    Store& store_;
    FileStore* file_;
    const ResizeRequest& request_;
    const Control& control_;
    ResizeOptions options_;
    ResizeOutcome outcome_;
};

}  // namespace

std::optional<ResizeOutcome> resize_store(Store& store, const ResizeRequest& request,
                                          const Control& control) {
    return Resizer(store, request, control).run();
}

}  // namespace insitu
