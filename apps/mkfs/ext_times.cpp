#include "mkfs/ext_times.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "insitu/error.hpp"
#include "mkfs/directory.hpp"
#include "mkfs/process.hpp"

namespace insitu::apps {

namespace fs = std::filesystem;

namespace {

// debugfs takes a double quote inside quotes twice.
std::string quoted(const std::string& path) {
    std::string text = "\"";
    for (const char letter : path)
        text.append(letter == '"' ? 2 : 1, letter);
    text.push_back('"');
    return text;
}

void write_commands(std::ofstream& script, const fs::path& path, const struct stat& status,
                    const std::string& inside, const std::string& epoch) {
    if (inside.find('\n') != std::string::npos) {
        throw Error(ErrorKind::refused, {.file = path},
                    "the times of a name with a line break cannot be set",
                    "rename it, or build without SOURCE_DATE_EPOCH");
    }
    const auto set = [&](const char* field) {
        script << "sif " << quoted(inside) << ' ' << field << " @" << epoch << '\n'
               << "sif " << quoted(inside) << ' ' << field << "_extra 0\n";
    };
    set("atime");
    set("ctime");
    if (status.st_mtime > std::atoll(epoch.c_str())) set("mtime");
}

}  // namespace

void settle_ext_times(const std::string& file, const std::string& directory,
                      const std::string& epoch, const Scratch& scratch, const StopFlag* stop) {
    const std::string name = scratch.file("times");
    std::ofstream script(name);
    write_commands(script, directory, status_of(directory), "/", epoch);
    walk_tree(directory, [&](const fs::path& path, const struct stat& status) {
        const std::string inside =
            fmt::format("/{}", path.lexically_relative(directory).generic_string());
        write_commands(script, path, status, inside, epoch);
    });
    if (!script.flush()) throw io_error({.file = name}, "cannot write", errno);
    script.close();
    run_or_throw({{"debugfs", "-w", "-f", name, file}, {"E2FSPROGS_FAKE_TIME=" + epoch}}, stop);
}

}  // namespace insitu::apps
