// What a user of the library writes: pack a file, look at the image, read it back.
#include <insitu/error.hpp>
#include <insitu/image/target.hpp>
#include <insitu/ops/pack.hpp>
#include <insitu/ops/stat.hpp>
#include <insitu/ops/unpack.hpp>
#include <insitu/store/open.hpp>

#include <cstdio>

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    try {
        const auto raw = insitu::open_store(argv[1], insitu::Access::read);
        insitu::Target target(argv[2], insitu::TargetKind::image,
                              insitu::pack_target_bytes(raw->size_bytes()),
                              insitu::Target::Overwrite::refuse);
        const auto source = insitu::make_source(*raw);
        insitu::pack(*source, target.store(), {}, {});
        target.commit();

        const auto store = insitu::open_store(argv[2], insitu::Access::read);
        const insitu::Image image = insitu::Image::open(*store);
        std::printf("%llu\n", static_cast<unsigned long long>(
                                  insitu::stat_image(image, {}).extents.mapped_blocks));
        insitu::Target back(argv[3], insitu::TargetKind::raw, image.geometry().logical_bytes(),
                            insitu::Target::Overwrite::refuse);
        insitu::unpack(image, back.store(), {}, {});
        back.commit();
    } catch (const insitu::Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
