// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/face/content_hashes.hpp"

#include <vector>

#include "capi/internal.hpp"
#include "insitu/internal/store/null_store.hpp"
#include "insitu/unpack.hpp"

using namespace insitu;
using namespace insitu::capi;

namespace {

// The digits of a hash as bytes, the first digits first.
void put_hash(ContentHash hash, std::uint8_t (&bytes)[16]) {
    for (unsigned i = 0; i < 8; ++i) {
        bytes[i] = static_cast<std::uint8_t>(hash.high >> (56 - 8 * i));
        bytes[8 + i] = static_cast<std::uint8_t>(hash.low >> (56 - 8 * i));
    }
}

ContentHash hash_of(const std::uint8_t (&bytes)[16]) {
    ContentHash hash;
    for (unsigned i = 0; i < 8; ++i) {
        hash.high = hash.high << 8 | bytes[i];
        hash.low = hash.low << 8 | bytes[8 + i];
    }
    return hash;
}

std::vector<ManifestExtent> rows_of(const insitu_hash* hashes, std::size_t count) {
    if (count != 0) require(hashes, "hashes");
    std::vector<ManifestExtent> rows;
    rows.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        const insitu_hash& hash = hashes[i];
        if (hash.at_byte % block_bytes != 0 || hash.length % block_bytes != 0) {
            refuse("hash " + std::to_string(i) + " is of " + std::to_string(hash.length) +
                   " bytes at " + std::to_string(hash.at_byte) + ", expected whole blocks");
        }
        rows.push_back(
            {{hash.at_byte / block_bytes}, hash.length / block_bytes, hash_of(hash.xxh3_128)});
    }
    return rows;
}

}  // namespace

int insitu_hash_contents(insitu_image* image, const insitu_control* control,
                         insitu_hash_callback callback, void* user, insitu_error** error) {
    return guard(error, [&] {
        require(callback, "callback");
        Run run(control);
        // What is pending was settled when the image was opened, as its opener said.
        hash_contents(
            require(image, "image")->opened.image(), PendingCheck::ignore,
            [&](const ManifestExtent& row) {
                insitu_hash told{row.first.value * block_bytes, row.blocks * block_bytes, {}};
                put_hash(row.hash, told.xxh3_128);
                if (callback(user, &told) != 0) throw_stopped();
            },
            run.control());
    });
}

int insitu_verify_contents(insitu_image* image, const insitu_hash* hashes, size_t count,
                           const insitu_verify_options* options, const insitu_control* control,
                           insitu_range_callback callback, void* user, insitu_verify_result* result,
                           insitu_error** error) {
    return guard(error, [&] {
        const Image& opened = require(image, "image")->opened.image();
        const insitu_verify_options wanted = read_options(options);
        const Manifest::Others others = choice(wanted.others_unknown, 2, "others_unknown") == 1
                                            ? Manifest::Others::unknown
                                            : Manifest::Others::zeros;
        const std::uint64_t bytes = opened.geometry().logical_bytes();
        if (wanted.logical_bytes != 0 && wanted.logical_bytes != bytes) {
            throw Error(ErrorKind::refused, {.file = opened.store().name()},
                        "has " + std::to_string(bytes) + " logical bytes, " +
                            std::to_string(wanted.logical_bytes) + " are expected");
        }
        const std::vector<ManifestExtent> rows = rows_of(hashes, count);
        // Rows that make no sense are refused before anything is read.
        static_cast<void>(Manifest(rows, bytes, others, opened.store().name()));
        Run run(control);
        insitu_verify_result told{};
        const auto differs = [&](const ContentCompare::Difference& difference) {
            ++told.differences;
            const insitu_range range{difference.first.value * block_bytes,
                                     difference.blocks * block_bytes};
            if (callback != nullptr && callback(user, &range) != 0) throw_stopped();
        };
        ContentCompare compare(rows, bytes, others, run.control().stop, differs);
        UnpackOptions reading;
        reading.pending = PendingCheck::ignore;
        reading.target_content = TargetContent::zeros;
        reading.content = &compare;
        NullStore nowhere(bytes);
        static_cast<void>(unpack(opened, nowhere, reading, run.control()));
        compare.finish();
        write_result(result, told);
    });
}
