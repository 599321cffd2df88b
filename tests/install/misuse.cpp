// What would refer to something that is gone does not compile: each MISUSE but 0 is such a mistake.
#include <insitu/insitu.hpp>
#include <insitu/store/file_store.hpp>

using namespace insitu;

void use(const std::string& path) {
#if MISUSE == 0
    const auto store = open_store(path, Access::read);
    const Image image = Image::open(*store);
    const auto source = make_source(*store);
    MetaCursor cursor(image);
    const OpenedImage opened = open_image(path);
    static_cast<void>(opened.image());
#elif MISUSE == 1
    const Image image = Image::open(*open_store(path, Access::read));
#elif MISUSE == 2
    const Image image = Image::open(FileStore(UniqueFd{}, path));
#elif MISUSE == 3
    const auto source = make_source(*open_store(path, Access::read));
#elif MISUSE == 4
    const Image& image = open_image(path).image();
#elif MISUSE == 5
    MetaCursor cursor(Image::open(FileStore(UniqueFd{}, path)));
#elif MISUSE == 6
    open_image(path);  // with -Werror: the result is dropped
#elif MISUSE == 7
    open_store(path, Access::read);
#endif
    static_cast<void>(path);
}
