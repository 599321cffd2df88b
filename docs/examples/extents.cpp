// SPDX-License-Identifier: GPL-2.0-or-later
// extents IMAGE: prints what is stored: position, length, bytes on the medium.
#include <cstdio>
#include <insitu/insitu.hpp>

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    try {
        const insitu::OpenedImage image = insitu::open_image(argv[1]);
        image.for_each_extent([](const insitu::StoredExtent& extent) {
            std::printf(
                "%llu %llu %llu\n",
                static_cast<unsigned long long>(extent.first.value * insitu::block_bytes),
                static_cast<unsigned long long>(extent.blocks * insitu::block_bytes),
                static_cast<unsigned long long>(extent.payload_sectors * insitu::sector_bytes));
            return true;
        });
    } catch (const insitu::Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
