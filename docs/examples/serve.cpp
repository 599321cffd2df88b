// SPDX-License-Identifier: GPL-2.0-or-later
// serve IMAGE TEXT: writes a text to the start of an image as a live device does, and reads it
// back. What flush() has returned for outlives a power cut.
#include <cstdio>
#include <cstring>
#include <insitu/insitu.hpp>

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    try {
        insitu::OpenedImage image =
            insitu::open_image(argv[1], {.access = insitu::Access::read_write});
        image.start_commits();  // also without flush(), every five seconds
        const std::size_t length = std::strlen(argv[2]);
        image.write(0, std::as_bytes(std::span(argv[2], length)));
        image.flush();
        const auto bytes = image.read(0, length);
        std::fwrite(bytes.data(), 1, bytes.size(), stdout);
        image.close();  // errors are thrown here; the destructor would lose them
    } catch (const insitu::Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
