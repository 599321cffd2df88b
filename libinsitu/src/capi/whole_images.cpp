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

PackOptions pack_options(const insitu_pack_options& options) {
    PackOptions result;
    result.codec.algorithm = algorithm_of(options.algorithm);
    result.codec.level = level_of(options.level);
    result.extents = extents_of(options.extent_blocks);
    if (choice(options.verify, 2, "verify") == 1) result.verify = PackOptions::Verify::yes;
    return result;
}

PackResult pack_new(Source& source, std::uint64_t source_bytes, const std::string& target,
                    const insitu_pack_options& wanted, const PackOptions& packing,
                    const Control& control, std::uint64_t& target_bytes) {
    const std::uint64_t file_bytes =
        wanted.target_bytes != 0 ? wanted.target_bytes : pack_target_bytes(source_bytes);
    // A size that does not fit is refused before anything of the target is changed.
    static_cast<void>(super_block_for_source(source,
                                             Target::device_bytes(target).value_or(file_bytes),
                                             packing.codec.algorithm, target));
    Target output(target, TargetKind::image, file_bytes, overwrite_of(wanted.force));
    PackResult packed = pack(source, output, packing, control);
    target_bytes = output.store().size_bytes();
    return packed;
}

PackResult update_packed(Source& source, const std::string& target,
                         const insitu_pack_options& wanted, PackOptions packing,
                         const NameChange& change, const Control& control,
                         std::uint64_t& target_bytes) {
    if (wanted.target_bytes != 0 || wanted.force != 0) {
        refuse("an update keeps the size of its target, and needs no force");
    }
    const OwnedStore store = open_store(target, Access::read_write);
    if (const auto name = changed_name(read_identity(*store), change)) {
        packing.uuid = name->uuid;
        packing.label = name->label;
    }
    PackResult packed = pack_update(source, *store, packing, control);
    if (packed.update->written_bytes != 0) give_holes_back(*store);
    target_bytes = store->size_bytes();
    return packed;
}

}  // namespace

int insitu_pack(const char* source, const char* target, const insitu_pack_options* options,
                const insitu_control* control, insitu_pack_result* result, insitu_error** error) {
    return guard(error, [&] {
        require(source, "source");
        require(target, "target");
        const insitu_pack_options wanted = read_options(options);
        const NameChange name = name_change(wanted.uuid, wanted.label);
        PackOptions packing = pack_options(wanted);
        Run run(control);
        refuse_same_storage(source, target);
        const OwnedStore raw = open_store(source, Access::read);
        const auto content = make_source(*raw);
        insitu_pack_result told{};
        PackResult packed;
        if (choice(wanted.update, 2, "update") == 1) {
            packed = update_packed(*content, target, wanted, packing, name, run.control(),
                                   told.target_bytes);
            told.kept_bytes = packed.update->kept_bytes;
        } else {
            packing.uuid = name.uuid;
            packing.label = name.label.value_or("");
            packed = pack_new(*content, raw->size_bytes(), target, wanted, packing, run.control(),
                              told.target_bytes);
        }
        told.source_bytes = packed.source_bytes;
        told.mapped_blocks = packed.extents.mapped_blocks;
        told.payload_bytes = packed.extents.payload_sectors * sector_bytes;
        told.written_bytes = packed.written_bytes;
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
        const NameChange name = name_change(wanted.uuid, wanted.label);
        Run run(control);
        const auto device_bytes = Target::device_bytes(target);
        if (!device_bytes && wanted.file_bytes == 0) refuse("file_bytes is 0");
        static_cast<void>(
            super_block_for(device_bytes.value_or(wanted.file_bytes), algorithm, target));
        Target output(target, TargetKind::image, wanted.file_bytes, overwrite_of(wanted.force));
        const Identity identity{name.uuid ? *name.uuid : random_uuid(), name.label.value_or("")};
        format_image(output, algorithm, run.control(), identity);
    });
}
