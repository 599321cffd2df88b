// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/test_world.hpp"

#include <unistd.h>

#include <memory>
#include <stdexcept>

namespace insitu::test {

namespace {

struct Close {
    void operator()(std::FILE* file) const noexcept { static_cast<void>(std::fclose(file)); }
};
using File = std::unique_ptr<std::FILE, Close>;

File make_file() {
    File file(std::tmpfile());
    if (!file) throw std::runtime_error("no temporary file");
    return file;
}

std::string content_of(std::FILE* file) {
    static_cast<void>(std::fflush(file));
    std::string text;
    char piece[4096];
    off_t at = 0;
    for (;;) {
        const ssize_t got = ::pread(::fileno(file), piece, sizeof piece, at);
        if (got <= 0) return text;
        text.append(piece, static_cast<std::size_t>(got));
        at += got;
    }
}

}  // namespace

Outcome TestWorld::run(Run tool, std::vector<std::string> arguments) {
    const File input_file = make_file();
    static_cast<void>(std::fwrite(input.data(), 1, input.size(), input_file.get()));
    std::rewind(input_file.get());
    const File output = output_is_full ? File(std::fopen("/dev/full", "w")) : make_file();
    const File errors = make_file();
    apps::World world;
    world.input = ::fileno(input_file.get());
    world.output = output.get();
    world.errors = ::fileno(errors.get());
    world.variable = [this](const char* name) -> const char* {
        const auto found = variables.find(name);
        return found == variables.end() ? nullptr : found->second.c_str();
    };
    world.signals = &signals;
    arguments.insert(arguments.begin(), called_as);
    std::vector<char*> words;
    for (std::string& argument : arguments)
        words.push_back(argument.data());
    words.push_back(nullptr);
    Outcome outcome;
    outcome.status = tool(world, static_cast<int>(arguments.size()), words.data());
    if (!output_is_full) outcome.output = content_of(output.get());
    outcome.errors = content_of(errors.get());
    return outcome;
}

}  // namespace insitu::test
