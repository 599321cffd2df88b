// SPDX-License-Identifier: GPL-2.0-or-later
#include "fsck/manifest_proof.hpp"

#include <fmt/format.h>

#include "common/manifest_check.hpp"
#include "common/sizes.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/internal/store/null_store.hpp"
#include "insitu/unpack.hpp"

namespace insitu::apps {

void tell_of_unknown_blocks(const Tool& tool, const ManifestFile& manifest) {
    const std::uint64_t blocks = manifest.unknown_blocks();
    if (blocks == 0) return;
    tool.note(fmt::format("{}: has no hash of some extents: {} of the content {} not compared",
                          manifest.path(), counted(blocks, "block"), blocks == 1 ? "is" : "are"));
}

void prove_by_sums(const ManifestFile& manifest, const Store& result, const Control& control) {
    if (!manifest.raw_bytes()) return;
    try {
        const Image image = Image::open(result, SizeCheck::trust_super, PendingCheck::ignore);
        ManifestCheck check(manifest, image, control.stop);
        NullStore nothing(image.geometry().logical_bytes());
        UnpackOptions options;
        options.damage = UnpackOptions::Damage::salvage;
        options.content = &check;
        unpack(image, nothing, options, {control.threads, control.stop, nullptr});
        check.finish();
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::cancelled || error.kind() == ErrorKind::io) throw;
        throw Error(ErrorKind::refused, {},
                    std::string(error.what()) +
                        ": the repair would not give it back, so nothing "
                        "is changed",
                    "--force repairs what the manifest proves block by block; without --manifest "
                    "a repair goes by the payloads alone");
    }
}

}  // namespace insitu::apps
