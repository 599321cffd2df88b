// SPDX-License-Identifier: GPL-2.0-or-later
// What would refer to something that is gone does not compile: each line that ends in "mistake" is
// an error, and nothing else is.
#include <insitu/insitu.hpp>
#include <insitu/internal/store/file_store.hpp>

using namespace insitu;

void use_rightly(const std::string& path) {
    const auto store = open_store(path, Access::read);
    const Image image = Image::open(*store);
    const auto source = make_source(*store);
    MetaCursor cursor(image);
    const OpenedImage opened = open_image(path);
    static_cast<void>(opened.image());
}

#ifdef MISTAKES
// clang-format off
void misuse(const std::string& path, const SuperBlock& super) {
    static_cast<void>(Image::open(*open_store(path, Access::read)));  // mistake
    static_cast<void>(Image::open(FileStore(UniqueFd{}, path)));  // mistake
    const Image known(FileStore(UniqueFd{}, path), super);  // mistake
    const auto dangling = make_source(*open_store(path, Access::read));  // mistake
    const auto temporary = make_source(FileStore(UniqueFd{}, path));  // mistake
    static_cast<void>(open_image(path).image());  // mistake
    Device device(FileStore(UniqueFd{}, path), {});  // mistake
    const auto store = open_store(path, Access::read);
    MetaCursor cursor(Image::open(*store));  // mistake
    Image::open(*store);  // mistake
    open_image(path);  // mistake
    open_store(path, Access::read);  // mistake
}
// clang-format on
#endif
