// SPDX-License-Identifier: GPL-2.0-or-later
// Runs every file of a corpus through the target that its folder names, with any compiler:
// fuzz_replay CORPUS. A folder that is missing or empty is a failure.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz/targets.hpp"

namespace fs = std::filesystem;

int main(int argc, char** argv) {
    if (argc != 2) return std::fprintf(stderr, "usage: fuzz_replay CORPUS\n"), 2;
    for (const insitu::fuzz::Target& target : insitu::fuzz::targets()) {
        unsigned count = 0;
        for (const auto& entry : fs::directory_iterator(fs::path(argv[1]) / target.name)) {
            std::ifstream file(entry.path(), std::ios::binary);
            const std::string bytes{std::istreambuf_iterator<char>(file), {}};
            std::printf("%s\n", entry.path().c_str());
            std::fflush(stdout);
            target.run(std::as_bytes(std::span(bytes)));
            ++count;
        }
        if (count == 0) return std::fprintf(stderr, "no corpus for %s\n", target.name), 1;
    }
    return 0;
}
