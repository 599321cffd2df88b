// SPDX-License-Identifier: GPL-2.0-or-later
#include "pack/pack_update_run.hpp"

#include "common/image_manifest.hpp"
#include "common/update_run.hpp"
#include "insitu/internal/image/create.hpp"
#include "insitu/internal/image/unfinished.hpp"
#include "insitu/internal/ops/known_content.hpp"

namespace insitu::apps {

namespace {

// None where none is given, or an interrupted update is to be completed, of which nothing is known.
std::unique_ptr<ImageManifest> proven_manifest(const std::string& path, const Store& target) {
    if (path.empty()) return nullptr;
    auto manifest = std::make_unique<ImageManifest>(
        path, "without --target-manifest the image is decoded and compared");
    if (unfinished_work(target)) return nullptr;
    manifest->prove(Image::open(target, SizeCheck::strict, PendingCheck::refuse));
    return manifest;
}

}  // namespace

std::uint64_t updated_target_bytes(const std::string& path) {
    return open_store(path, Access::read, Sharing::shared)->size_bytes();
}

PackResult update_packed(Tool& tool, const PackArguments& arguments, Source& plain_source,
                         const Expectation& expected) {
    UpdateTarget target(tool, arguments.target);
    KnownContent known;
    if (const std::shared_ptr<ImageManifest> before =
            proven_manifest(arguments.target_manifest, target.store())) {
        known = [before](WindowIndex window, const WindowMap& map, ByteView content) {
            return before->known_blocks(window, map, content);
        };
    }
    PackOptions wanted = arguments.pack;
    Identity identity = read_identity(target.store()).value_or(Identity{random_uuid(), {}});
    if (wanted.uuid) identity.uuid = *wanted.uuid;
    if (arguments.label_given) identity.label = wanted.label;
    wanted.uuid = identity.uuid;
    wanted.label = identity.label;
    if (arguments.verify) wanted.verify = PackOptions::Verify::yes;
    std::optional<ManifestWriter> manifest;
    if (!arguments.manifest.empty()) {
        manifest.emplace(arguments.manifest, arguments.raw_sum, tool.stop());
    }
    ExpectedSource source(plain_source, expected, manifest ? &*manifest : nullptr, tool.stop());
    if (manifest || expected.needs_content()) wanted.content = &source;
    PackResult result = target.run(
        [&] { return update_from_source(source, target.store(), wanted, known, tool.control()); });
    if (manifest) {
        manifest->publish(Geometry(result.super.counts), wanted.codec.algorithm,
                          result.source_bytes, result.identity.uuid);
        manifest->keep();
    }
    target.finish(*result.update);
    return result;
}

}  // namespace insitu::apps
