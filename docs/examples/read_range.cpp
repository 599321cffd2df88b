// SPDX-License-Identifier: GPL-2.0-or-later
// read_range IMAGE AT LENGTH: prints a part of the content of an image.
#include <cstdio>
#include <cstdlib>
#include <insitu/insitu.hpp>

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    try {
        const insitu::OpenedImage image = insitu::open_image(argv[1]);
        const auto bytes =
            image.read(std::strtoull(argv[2], nullptr, 10), std::strtoull(argv[3], nullptr, 10));
        return std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size() ? 0 : 1;
    } catch (const insitu::Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
