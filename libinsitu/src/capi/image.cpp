// SPDX-License-Identifier: GPL-2.0-or-later
#include "capi/internal.hpp"
#include "insitu/stat.hpp"

using namespace insitu;
using namespace insitu::capi;

namespace {

OpenOptions open_options(const insitu_open_options* given) {
    const insitu_open_options options = read_options(given);
    OpenOptions result;
    if (choice(options.access, 2, "access") == INSITU_READ_WRITE) {
        result.access = Access::read_write;
    }
    result.sharing = sharing_of(options.sharing);
    if (choice(options.size_check, 2, "size_check") == INSITU_SIZE_TRUST_SUPER) {
        result.size_check = SizeCheck::trust_super;
    }
    result.pending = pending_of(options.pending);
    result.level = level_of(options.level);
    if (choice(options.writethrough, 2, "writethrough") == 1) {
        result.policy = CommitPolicy::writethrough;
    }
    result.unprotected = choice(options.unprotected, 2, "unprotected") == INSITU_UNPROTECTED_REFUSE
                             ? UnprotectedCommits::refuse
                             : UnprotectedCommits::allow;
    if (options.cache_bytes != 0) result.cache_bytes = options.cache_bytes;
    if (options.decode_cache_bytes != 0) result.decode_cache_bytes = options.decode_cache_bytes;
    return result;
}

Device::Durability durability_of(std::uint32_t flags) {
    return choice(flags, 2, "flags") == INSITU_FUA ? Device::Durability::fua
                                                   : Device::Durability::later;
}

// A text in an array of zeros.
template <std::size_t Bytes>
void put_text(char (&target)[Bytes], const std::string& text) {
    std::memcpy(target, text.data(), std::min(text.size(), Bytes - 1));
}

void map_runs(OpenedImage& image, std::uint64_t at_byte, std::uint64_t length,
              insitu_run_callback callback, void* user) {
    while (length != 0) {
        const auto runs = image.map(at_byte, length);
        // A range that is no whole blocks is covered by runs of whole blocks.
        std::uint64_t end = at_byte;
        for (const BlockRun& run : runs) {
            const insitu_run told{sizeof told, run.first.value * block_bytes,
                                  run.blocks * block_bytes, run.mapped ? 1U : 0U, 0};
            if (callback(user, &told) != 0) return;
            end = told.at_byte + told.length;
        }
        if (end <= at_byte || end >= at_byte + length) return;
        length -= end - at_byte;
        at_byte = end;
    }
}

}  // namespace

insitu_image* insitu_open(const char* path, const insitu_open_options* options,
                          insitu_error** error) {
    insitu_image* result = nullptr;
    guard(error, [&] {
        result = new insitu_image{open_image(require(path, "path"), open_options(options))};
    });
    return result;
}

int insitu_close(insitu_image* image, insitu_error** error) {
    const int code = guard(error, [&] {
        if (image != nullptr) image->opened.close();
    });
    delete image;
    return code;
}

int insitu_get_info(const insitu_image* image, insitu_info* info, insitu_error** error) {
    return guard(error, [&] {
        const OpenedImage& opened = require(image, "image")->opened;
        const Geometry& geometry = opened.geometry();
        insitu_info result{};
        result.logical_bytes = geometry.logical_bytes();
        result.device_bytes = geometry.device_bytes();
        result.meta_blocks = geometry.meta_bytes() / block_bytes;
        result.data_blocks = geometry.data_blocks();
        result.recovered_windows = opened.recovered_windows();
        result.algorithm = opened.algorithm() == Algorithm::lzo ? INSITU_LZO : INSITU_DEFLATE;
        if (const auto& identity = opened.identity()) {
            put_text(result.uuid, to_string(identity->uuid));
            put_text(result.label, identity->label);
        }
        write_result(require(info, "info"), result);
    });
}

int insitu_read(insitu_image* image, uint64_t at_byte, void* buffer, size_t length,
                insitu_error** error) {
    return guard(error, [&] {
        require(image, "image");
        if (length != 0) require(buffer, "buffer");
        image->opened.read(at_byte, {static_cast<std::byte*>(buffer), length});
    });
}

int insitu_write(insitu_image* image, uint64_t at_byte, const void* buffer, size_t length,
                 uint32_t flags, insitu_error** error) {
    return guard(error, [&] {
        require(image, "image");
        if (length != 0) require(buffer, "buffer");
        image->opened.write(at_byte, {static_cast<const std::byte*>(buffer), length},
                            durability_of(flags));
    });
}

int insitu_zero(insitu_image* image, uint64_t at_byte, uint64_t length, uint32_t flags,
                insitu_error** error) {
    return guard(error, [&] {
        require(image, "image")->opened.zero(at_byte, length, durability_of(flags));
    });
}

int insitu_unmap(insitu_image* image, uint64_t at_byte, uint64_t length, uint32_t flags,
                 insitu_error** error) {
    return guard(error, [&] {
        require(image, "image")->opened.unmap(at_byte, length, durability_of(flags));
    });
}

int insitu_flush(insitu_image* image, insitu_error** error) {
    return guard(error, [&] { require(image, "image")->opened.flush(); });
}

int insitu_start_commits(insitu_image* image, insitu_error** error) {
    return guard(error, [&] { require(image, "image")->opened.start_commits(); });
}

int insitu_map(insitu_image* image, uint64_t at_byte, uint64_t length, insitu_run_callback callback,
               void* user, insitu_error** error) {
    return guard(error, [&] {
        require(image, "image");
        map_runs(image->opened, at_byte, length, require(callback, "callback"), user);
    });
}

int insitu_extents(insitu_image* image, insitu_extent_callback callback, void* user,
                   insitu_error** error) {
    return guard(error, [&] {
        require(callback, "callback");
        require(image, "image")->opened.for_each_extent([&](const StoredExtent& extent) {
            const bool faulty = extent.fault != ExtentFault::none;
            const insitu_extent told{sizeof told,
                                     extent.first.value * block_bytes,
                                     extent.blocks * block_bytes,
                                     faulty ? 0 : extent.payload_sectors * sector_bytes,
                                     !faulty && extent.raw() ? 1U : 0U,
                                     faulty ? 1U : 0U};
            return callback(user, &told) == 0;
        });
    });
}

int insitu_stat(insitu_image* image, const insitu_control* control, insitu_totals* totals,
                insitu_error** error) {
    return guard(error, [&] {
        Run run(control);
        const ImageStat stat = stat_image(require(image, "image")->opened.image(), run.control());
        insitu_totals result{};
        result.mapped_blocks = stat.extents.mapped_blocks;
        result.payload_bytes = stat.extents.payload_sectors * sector_bytes;
        result.compressed_extents = stat.extents.compressed_extents;
        result.raw_extents = stat.extents.raw_extents;
        result.faulty_extents = stat.faulty_extents;
        result.faulty_blocks = stat.faulty_blocks;
        write_result(require(totals, "totals"), result);
    });
}
