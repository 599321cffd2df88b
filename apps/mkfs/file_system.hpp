#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "insitu/engine/control.hpp"
#include "mkfs/scratch.hpp"
#include "mkfs/tree.hpp"

namespace insitu::apps {

// What insitu-mkfs is asked for.
struct MkfsRequest {
    std::string type;
    std::string directory;                    // what fills it; empty: nothing
    std::optional<std::uint64_t> size_bytes;  // of the file system; none: the smallest that fits
    std::uint64_t free_bytes = 0;             // beside the smallest
    std::string uuid;                         // empty: mkfs takes a random one
    std::string epoch;                        // SOURCE_DATE_EPOCH, or empty
    std::vector<std::string> options;         // for mkfs, as they stand
    // Runs what reads the tree: "fakeroot", … for the owners of an unpacked tar.
    std::vector<std::string> wrapper;
    unsigned threads = 0;
    // Takes each command that is run, and what it says; may be empty.
    std::function<void(const std::string&)> note;
};

// The types that can be made here, for messages and completions.
std::vector<std::string> file_system_types();

// Throws a `refused` Error where a type is unknown, its mkfs is not installed or cannot fill what
// it makes, or the request makes no sense for it.
void check_request(const MkfsRequest& request);

// Makes the file system in `scratch`, sparse, and returns the path of the file. Its size is
// request.size_bytes, where given. Throws `refused` Errors with the words of mkfs, `io` and
// `cancelled` ones.
std::string make_file_system(const MkfsRequest& request, const TreeSummary& tree,
                             const Scratch& scratch, const StopFlag* stop);

}  // namespace insitu::apps
