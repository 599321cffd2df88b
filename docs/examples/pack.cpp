// SPDX-License-Identifier: GPL-2.0-or-later
// pack RAW IMAGE: packs a raw file or device into an image, in a file or on a device.
#include <cstdio>
#include <insitu/insitu.hpp>

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    try {
        const auto raw = insitu::open_store(argv[1], insitu::Access::read);
        const auto source = insitu::make_source(*raw);
        // A device keeps its size; a file gets what the source needs. What is there is not
        // overwritten unless it is a file.
        insitu::Target target(argv[2], insitu::TargetKind::image,
                              insitu::pack_target_bytes(raw->size_bytes()),
                              insitu::Target::Overwrite::refuse);
        const insitu::PackResult result = insitu::pack(*source, target, {}, {});
        std::printf("%llu blocks\n", static_cast<unsigned long long>(result.extents.mapped_blocks));
    } catch (const insitu::Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        if (!error.hint().empty()) std::fprintf(stderr, "hint: %s\n", error.hint().c_str());
        return 1;
    }
}
