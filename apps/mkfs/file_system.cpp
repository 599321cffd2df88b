// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/file_system.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>

#include "common/process.hpp"
#include "insitu/error.hpp"
#include "mkfs/builder.hpp"

namespace insitu::apps {

void check_request(const MkfsRequest& request) {
    const TypeTraits* traits = traits_of(request.type);
    if (traits == nullptr) {
        throw Error(ErrorKind::refused, {.file = "-t " + request.type},
                    "is not a type of file system that can be made here",
                    fmt::format("the types are {}", fmt::join(file_system_types(), ", ")));
    }
    const auto need = [&](const char* program, const char* package) {
        if (!find_program(program).empty()) return;
        throw Error(ErrorKind::refused, {.file = program}, "is not installed",
                    fmt::format("the package {} has it", package));
    };
    need(traits->program, traits->package);
    if (request.type == "vfat" && !request.directory.empty()) need("mcopy", "mtools");
    if (traits->read_only && request.directory.empty()) {
        throw Error(ErrorKind::refused, {.file = request.type},
                    "is never written to later: an empty one makes no sense", "-d DIR fills it");
    }
    if (traits->read_only && request.free_bytes != 0) {
        throw Error(ErrorKind::refused, {.file = request.type},
                    "is never written to later: it has no use for free space", "leave --free out");
    }
    if (traits->read_only && !request.label.empty()) {
        throw Error(ErrorKind::refused, {.file = request.type},
                    "has no label as its program makes it", "leave --label out");
    }
}

MadeFileSystem make_file_system(const MkfsRequest& request, const Tree& tree,
                                const Scratch& scratch, const StopFlag* stop) {
    Builder builder(request, tree, scratch, stop);
    if (request.type.starts_with("ext")) {
        build_ext(builder);
    } else if (request.type == "btrfs") {
        build_btrfs(builder);
    } else if (request.type == "xfs") {
        build_xfs(builder);
    } else if (request.type == "vfat") {
        build_vfat(builder);
    } else if (request.type == "squashfs") {
        build_squashfs(builder);
    } else {
        build_erofs(builder);
    }
    return {builder.file(), std::filesystem::file_size(builder.file())};
}

}  // namespace insitu::apps
