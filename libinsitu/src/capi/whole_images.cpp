// SPDX-License-Identifier: GPL-2.0-or-later
#include "capi/internal.hpp"
#include "insitu/format.hpp"
#include "insitu/internal/image/create.hpp"
#include "insitu/open_store.hpp"
#include "insitu/pack.hpp"
#include "insitu/target.hpp"
#include "insitu/unpack.hpp"

using namespace insitu;
using namespace insitu::capi;

namespace {

Target::Overwrite overwrite_of(std::uint32_t force) {
    return choice(force, 2, "force") == 1 ? Target::Overwrite::force : Target::Overwrite::refuse;
}

void refuse_same_storage(const std::string& source, const std::string& target) {
    if (!same_storage(source, target)) return;
    throw Error(ErrorKind::refused, {.file = target}, "is the same file or device as " + source);
}

PackOptions pack_options(const insitu_pack_options& options) {
    PackOptions result;
    result.codec.algorithm = algorithm_of(options.algorithm);
    result.codec.level = level_of(options.level);
    const std::uint32_t blocks = options.extent_blocks;
    if (blocks > window_blocks || (blocks & (blocks - 1)) != 0) {
        refuse("extent_blocks is " + std::to_string(blocks) + ", expected 0, 1, 2, 4, 8, 16 or 32");
    }
    result.extents.blocks = blocks;
    if (choice(options.verify, 2, "verify") == 1) result.verify = PackOptions::Verify::yes;
    return result;
}

}  // namespace

int insitu_pack(const char* source, const char* target, const insitu_pack_options* options,
                const insitu_control* control, insitu_pack_result* result, insitu_error** error) {
    return guard(error, [&] {
        require(source, "source");
        require(target, "target");
        const insitu_pack_options wanted = read_options(options);
        const PackOptions packing = pack_options(wanted);
        Run run(control);
        refuse_same_storage(source, target);
        const OwnedStore raw = open_store(source, Access::read);
        const auto content = make_source(*raw);
        const std::uint64_t target_bytes =
            wanted.target_bytes != 0 ? wanted.target_bytes : pack_target_bytes(raw->size_bytes());
        // A size that does not fit is refused before anything of the target is changed.
        static_cast<void>(
            super_block_for_source(*content, Target::device_bytes(target).value_or(target_bytes),
                                   packing.codec.algorithm, target));
        Target output(target, TargetKind::image, target_bytes, overwrite_of(wanted.force));
        const PackResult packed = pack(*content, output, packing, run.control());
        insitu_pack_result told{};
        told.source_bytes = packed.source_bytes;
        told.target_bytes = output.store().size_bytes();
        told.mapped_blocks = packed.extents.mapped_blocks;
        told.payload_bytes = packed.extents.payload_sectors * sector_bytes;
        write_result(result, told);
    });
}

int insitu_unpack(insitu_image* image, const char* target, const insitu_unpack_options* options,
                  const insitu_control* control, insitu_unpack_result* result,
                  insitu_error** error) {
    return guard(error, [&] {
        const Image& opened = require(image, "image")->opened.image();
        require(target, "target");
        const insitu_unpack_options wanted = read_options(options);
        UnpackOptions unpacking;
        // What is pending was settled when the image was opened, as its opener said.
        unpacking.pending = PendingCheck::ignore;
        unpacking.offset_bytes = wanted.at_byte;
        if (wanted.length != 0) unpacking.length_bytes = wanted.length;
        constexpr UnpackOptions::Damage damages[] = {UnpackOptions::Damage::fail,
                                                     UnpackOptions::Damage::salvage,
                                                     UnpackOptions::Damage::strict};
        unpacking.damage = damages[choice(wanted.damage, 3, "damage")];
        Run run(control);
        refuse_same_storage(opened.store().name(), target);
        const std::uint64_t bytes = unpacked_bytes(opened, unpacking);
        if (const auto room = Target::device_bytes(target); room && *room < bytes) {
            throw Error(ErrorKind::refused, {.file = target},
                        "has " + std::to_string(*room) + " bytes, " + std::to_string(bytes) +
                            " are to be written");
        }
        Target output(target, TargetKind::raw, bytes, overwrite_of(wanted.force));
        const UnpackResult unpacked = unpack(opened, output, unpacking, run.control());
        insitu_unpack_result told{};
        told.logical_bytes = unpacked.logical_bytes;
        told.damaged_extents = unpacked.damage_count;
        told.damaged_blocks = unpacked.damaged_blocks;
        write_result(result, told);
    });
}

int insitu_format(const char* target, const insitu_format_options* options,
                  const insitu_control* control, insitu_error** error) {
    return guard(error, [&] {
        require(target, "target");
        const insitu_format_options wanted = read_options(options);
        const Algorithm algorithm = algorithm_of(wanted.algorithm);
        Run run(control);
        const auto device_bytes = Target::device_bytes(target);
        if (!device_bytes && wanted.file_bytes == 0) refuse("file_bytes is 0");
        static_cast<void>(
            super_block_for(device_bytes.value_or(wanted.file_bytes), algorithm, target));
        Target output(target, TargetKind::image, wanted.file_bytes, overwrite_of(wanted.force));
        format_image(output, algorithm, run.control(), Identity{random_uuid(), {}});
    });
}
