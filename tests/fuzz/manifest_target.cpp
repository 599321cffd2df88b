// SPDX-License-Identifier: GPL-2.0-or-later
#include <string>

#include "common/manifest_parser.hpp"
#include "fuzz/targets.hpp"
#include "insitu/error.hpp"

namespace insitu::fuzz {

void manifest(ByteView input) {
    const std::string text(reinterpret_cast<const char*>(input.data()), input.size());
    std::uint64_t end = 0;
    std::uint64_t count = 0;
    try {
        apps::ManifestParser parser("manifest", [&](const ManifestExtent& extent) {
            FUZZ_REQUIRE(extent.blocks > 0 && extent.first.value >= end);
            end = extent.end().value;
            ++count;
        });
        nlohmann::json::sax_parse(text, &parser);
        const apps::ManifestParser::Head head = parser.finish();
        FUZZ_REQUIRE(head.logical_bytes.has_value());
        FUZZ_REQUIRE(count == 0 || end * block_bytes <= *head.logical_bytes);
    } catch (const Error& error) {
        FUZZ_REQUIRE(error.kind() == ErrorKind::refused);
    }
}

}  // namespace insitu::fuzz
