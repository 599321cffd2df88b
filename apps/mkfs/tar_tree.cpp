#include "mkfs/tar_tree.hpp"

#include <unistd.h>

#include <filesystem>

#include "insitu/error.hpp"
#include "mkfs/process.hpp"

namespace insitu::apps {

TarTree unpack_tar(const Scratch& scratch, const StopFlag* stop) {
    if (::isatty(STDIN_FILENO) == 1) {
        throw Error(ErrorKind::refused, {.file = "standard input"},
                    "a tar is not typed in at a terminal", "redirect a file or a pipe to it");
    }
    TarTree tree{scratch.file("tree"), {}};
    std::filesystem::create_directory(tree.directory);
    Command command{
        {"tar", "-x", "-p", "--same-owner", "--numeric-owner", "-f", "-", "-C", tree.directory},
        {},
        STDIN_FILENO};
    if (::geteuid() == 0) {
        command.arguments.insert(command.arguments.begin() + 1, {"--xattrs", "--xattrs-include=*"});
    } else {
        if (find_program("fakeroot").empty()) {
            throw Error(ErrorKind::refused, {.file = "standard input"},
                        "only root, or fakeroot, can keep the owners of the files in a tar",
                        "install fakeroot, or give a directory with -d");
        }
        const std::string state = scratch.file("owners");
        command.arguments.insert(command.arguments.begin(), {"fakeroot", "-s", state, "--"});
        tree.wrapper = {"fakeroot", "-i", state, "--"};
    }
    run_or_throw(command, stop);
    return tree;
}

}  // namespace insitu::apps
