// SPDX-License-Identifier: GPL-2.0-or-later
#include "capi/internal.hpp"
#include "insitu/internal/face/name_image.hpp"
#include "insitu/internal/face/resize_store.hpp"
#include "insitu/internal/fsck/holes.hpp"
#include "insitu/open_store.hpp"
#include "insitu/trim.hpp"

using namespace insitu;
using namespace insitu::capi;

int insitu_trim(insitu_image* image, const insitu_range* ranges, size_t count,
                const insitu_trim_options* options, const insitu_control* control,
                insitu_trim_result* result, insitu_error** error) {
    return guard(error, [&] {
        OpenedImage& opened = require(image, "image")->opened;
        if (count != 0) require(ranges, "ranges");
        const insitu_trim_options wanted = read_options(options);
        TrimOptions trimming;
        if (choice(wanted.dry_run, 2, "dry_run") == 1) trimming.mode = TrimOptions::Mode::measure;
        std::vector<ByteRange> unused;
        unused.reserve(count);
        for (std::size_t i = 0; i < count; ++i)
            unused.push_back({ranges[i].at_byte, ranges[i].length});
        Run run(control);
        const TrimResult trimmed = trim(opened, std::move(unused), trimming, run.control());
        insitu_trim_result told{};
        told.unused_bytes = trimmed.unused_bytes;
        told.freed_bytes = trimmed.freed_bytes;
        told.kept_bytes = trimmed.kept_bytes;
        write_result(result, told);
    });
}

int insitu_resize(const char* path, const insitu_resize_options* options,
                  const insitu_control* control, insitu_resize_result* result,
                  insitu_error** error) {
    return guard(error, [&] {
        require(path, "path");
        const insitu_resize_options wanted = read_options(options);
        ResizeRequest request;
        if (choice(wanted.to_minimum, 2, "to_minimum") == 1) {
            if (wanted.logical_bytes != 0) refuse("logical_bytes and to_minimum are both given");
            request.fit = ResizeRequest::Fit::minimum;
        }
        if (wanted.logical_bytes != 0) request.logical_bytes = wanted.logical_bytes;
        Run run(control);
        const OwnedStore store = open_store(path, Access::read_write);
        const auto outcome = resize_store(*store, request, run.control());
        if (!outcome) {
            throw Error(ErrorKind::refused, {.file = path},
                        "is a file without an interrupted resize: logical_bytes is 0");
        }
        const Geometry geometry(outcome->result.super.counts);
        insitu_resize_result told{};
        told.logical_bytes = geometry.logical_bytes();
        told.device_bytes = geometry.device_bytes();
        told.moved_blocks = outcome->result.moved_blocks;
        told.resumed = outcome->resumed ? 1U : 0U;
        write_result(result, told);
    });
}

int insitu_set_name(const char* path, const char* uuid, const char* label, insitu_error** error) {
    return guard(error, [&] {
        require(path, "path");
        const NameChange change = name_change(uuid, label);
        const OwnedStore store =
            open_store(path, change.empty() ? Access::read : Access::read_write);
        static_cast<void>(name_image(*store, change));
    });
}

int insitu_punch_holes(const char* path, const insitu_control* control, uint64_t* punched_bytes,
                       insitu_error** error) {
    return guard(error, [&] {
        Run run(control);
        const OwnedStore store = open_store(require(path, "path"), Access::read_write);
        const std::uint64_t bytes = punch_holes(Image::open(*store), *store, run.control());
        store->sync();
        if (punched_bytes != nullptr) *punched_bytes = bytes;
    });
}
