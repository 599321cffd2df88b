// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/image/unfinished.hpp"

#include "insitu/error.hpp"
#include "insitu/internal/store/aligned_buffer.hpp"

namespace insitu {

std::optional<UnfinishedWork> unfinished_work(const Store& store) {
    if (store.size_bytes() < block_bytes) return std::nullopt;
    AlignedBuffer sector(sector_bytes);
    store.read_at(0, sector.span());
    return decode_unfinished(sector.view().first<sector_bytes>());
}

void refuse_unfinished(const Store& store) {
    const auto work = unfinished_work(store);
    if (!work) return;
    if (work->kind == WorkKind::update) {
        throw Error(ErrorKind::refused, {.file = store.name()},
                    "an update of this image was interrupted: it holds neither the old content nor "
                    "the new",
                    "insitu-copy --update or --apply, or insitu-pack --update, from the same "
                    "source completes it");
    }
    throw Error(ErrorKind::refused, {.file = store.name()},
                "a resize of this image was interrupted: its content is moved in part",
                "insitu-resize completes it");
}

void write_unfinished(Store& store, const UnfinishedWork& work) {
    AlignedBuffer sector(sector_bytes);
    encode_unfinished(work, sector.span().first<sector_bytes>());
    store.sync();
    store.write_at(0, sector.view());
    store.sync();
}

}  // namespace insitu
