// SPDX-License-Identifier: GPL-2.0-or-later
// What a user of the library writes: pack a file, look at the image, read it back.
#include <cstdio>
#include <insitu/insitu.hpp>

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    try {
        const auto raw = insitu::open_store(argv[1], insitu::Access::read);
        const auto source = insitu::make_source(*raw);
        {
            insitu::Target target(argv[2], insitu::TargetKind::image,
                                  insitu::pack_target_bytes(raw->size_bytes()),
                                  insitu::Target::Overwrite::force);
            insitu::pack(*source, target, {}, {});
        }
        const insitu::OpenedImage opened = insitu::open_image(argv[2]);
        const insitu::Image& image = opened.image();
        std::printf("%llu\n", static_cast<unsigned long long>(
                                  insitu::stat_image(image, {}).extents.mapped_blocks));
        insitu::Target back(argv[3], insitu::TargetKind::raw, image.geometry().logical_bytes(),
                            insitu::Target::Overwrite::force);
        insitu::unpack(image, back, {}, {});
    } catch (const insitu::Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
