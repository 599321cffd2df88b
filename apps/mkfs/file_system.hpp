// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "insitu/internal/engine/control.hpp"
#include "mkfs/scratch.hpp"
#include "mkfs/tree_model.hpp"
#include "mkfs/types.hpp"

namespace insitu::apps {

// What insitu-mkfs is asked for.
struct MkfsRequest {
    std::string type;
    std::string directory;                    // what fills it; "-": a tar; empty: nothing
    std::optional<std::uint64_t> size_bytes;  // of the file system; none: the smallest that fits
    std::uint64_t free_bytes = 0;             // beside the smallest
    std::string uuid;                         // empty: mkfs takes a random one
    std::string label;                        // empty: none
    std::optional<std::int64_t> epoch;        // SOURCE_DATE_EPOCH
    std::vector<std::string> options;         // for mkfs, as they stand
    unsigned threads = 0;
    bool sizes_only = false;  // stop as soon as the size is known
    // Takes each command that is run, and what it says; may be empty.
    std::function<void(const std::string&)> note;
    // Takes what a program that succeeded says in warning.
    std::function<void(const std::string&)> warn;
};

// Throws a `refused` Error if a type is unknown, its mkfs is not installed or cannot fill what
// it makes, or the request makes no sense for it.
void check_request(const MkfsRequest& request);

// What was made.
struct MadeFileSystem {
    std::string file;
    std::uint64_t size_bytes = 0;
};

// Makes the file system in `scratch`, sparse. Its size is request.size_bytes, if given. `tree` is
// what it is to hold; types that are filled from a directory take it from tree.directory. Throws
// `refused` Errors with the words of mkfs, `io` and `cancelled` ones.
MadeFileSystem make_file_system(const MkfsRequest& request, const Tree& tree,
                                const Scratch& scratch, const StopFlag* stop);

}  // namespace insitu::apps
