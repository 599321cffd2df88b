// SPDX-License-Identifier: GPL-2.0-or-later
#include "pack/pack_update_run.hpp"

#include "common/update_run.hpp"
#include "insitu/internal/image/create.hpp"

namespace insitu::apps {

std::uint64_t updated_target_bytes(const std::string& path) {
    return open_store(path, Access::read, Sharing::shared)->size_bytes();
}

PackResult update_packed(Tool& tool, const PackArguments& arguments, Source& plain_source,
                         const Expectation& expected) {
    UpdateTarget target(tool, arguments.target);
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
    PackResult result =
        target.run([&] { return pack_update(source, target.store(), wanted, tool.control()); });
    if (manifest) {
        manifest->publish(Geometry(result.super.counts), wanted.codec.algorithm,
                          result.source_bytes, result.identity.uuid);
        manifest->keep();
    }
    target.finish(*result.update);
    return result;
}

}  // namespace insitu::apps
