// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/ops/copy.hpp"

#include "capi/internal.hpp"
#include "insitu/internal/face/name_image.hpp"
#include "insitu/internal/image/create.hpp"
#include "insitu/internal/store/difference_store.hpp"
#include "insitu/open_store.hpp"
#include "insitu/target.hpp"

using namespace insitu;
using namespace insitu::capi;

namespace {

std::optional<RecodeOptions> recode_options(const insitu_copy_options& options,
                                            Algorithm of_source) {
    const unsigned recode = choice(options.recode, 4, "recode");
    if (recode == INSITU_RECODE_NO) {
        if (options.level != 0 || options.extent_blocks != 0 || options.worth_percent != 0) {
            refuse("level, extent_blocks and worth_percent are for what is compressed again");
        }
        return std::nullopt;
    }
    RecodeOptions result;
    result.codec.algorithm = recode == INSITU_RECODE_LZO       ? Algorithm::lzo
                             : recode == INSITU_RECODE_DEFLATE ? Algorithm::deflate
                                                               : of_source;
    result.codec.level = level_of(options.level);
    result.extents = extents_of(options.extent_blocks);
    if (options.worth_percent != 0) {
        result.worth_percent = choice(options.worth_percent, 100, "worth_percent");
    }
    return result;
}

std::uint64_t target_bytes(const insitu_copy_options& options, const Image& image,
                           const std::string& target) {
    const auto device_bytes = Target::device_bytes(target);
    if (device_bytes && options.logical_bytes != 0) {
        throw Error(ErrorKind::refused, {.file = target},
                    "logical_bytes is for files: an image takes the whole of a device");
    }
    if (device_bytes) return *device_bytes;
    if (options.logical_bytes != 0) return pack_target_bytes(options.logical_bytes);
    return image.geometry().device_bytes();
}

}  // namespace

int insitu_copy(insitu_image* image, const char* target, const insitu_copy_options* options,
                const insitu_control* control, insitu_copy_result* result, insitu_error** error) {
    return guard(error, [&] {
        const OpenedImage& opened = require(image, "image")->opened;
        const Image& source = opened.image();
        require(target, "target");
        const insitu_copy_options wanted = read_options(options);
        CopyOptions copying;
        copying.identity = changed_name(opened.identity(), name_change(wanted.uuid, wanted.label));
        copying.recode = recode_options(wanted, source.algorithm());
        const bool resume = choice(wanted.resume, 2, "resume") == 1;
        Run run(control);
        refuse_same_storage(source.store().name(), target);
        if (resume && !Target::device_bytes(target)) {
            throw Error(ErrorKind::refused, {.file = target},
                        "resume is for devices: an interrupted copy leaves nothing of a file");
        }
        const std::uint64_t bytes = target_bytes(wanted, source, target);
        // Refused before anything of the target is changed.
        require_copyable(source, bytes, copying, target);
        Target output(target, TargetKind::image, bytes, overwrite_of(wanted.force));
        copying.target_content = output.content();
        output.prepare();
        DifferenceStore difference(output.store(), [] {});
        Store& written = resume ? static_cast<Store&>(difference) : output.store();
        CopyResult copied = copy_image(source, written, copying, run.control());
        if (resume) copied.written_bytes = difference.written_bytes();
        output.commit();
        insitu_copy_result told{};
        told.logical_bytes = Geometry(copied.super.counts).logical_bytes();
        told.written_bytes = copied.written_bytes;
        told.recoded_windows = copied.recoded_windows;
        write_result(result, told);
    });
}

int insitu_update(insitu_image* image, const char* target, const insitu_update_options* options,
                  const insitu_control* control, insitu_update_result* result,
                  insitu_error** error) {
    return guard(error, [&] {
        const OpenedImage& opened = require(image, "image")->opened;
        const Image& source = opened.image();
        require(target, "target");
        const insitu_update_options wanted = read_options(options);
        UpdateOptions updating;
        updating.identity = changed_name(opened.identity(), name_change(wanted.uuid, wanted.label));
        if (choice(wanted.trust_seals, 2, "trust_seals") == 1) {
            updating.seals = UpdateOptions::Seals::trust;
        }
        Run run(control);
        refuse_same_storage(source.store().name(), target);
        const OwnedStore store = open_store(target, Access::read_write);
        const UpdateTotals update = update_image(source, *store, updating, run.control()).update;
        if (update.written_bytes != 0) give_holes_back(*store);
        insitu_update_result told{};
        told.written_bytes = update.written_bytes;
        told.compared_bytes = update.compared_bytes;
        told.trusted_bytes = update.trusted_bytes;
        told.resumed = update.resumed ? 1U : 0U;
        write_result(result, told);
    });
}
