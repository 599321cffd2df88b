#pragma once

#include <vector>

#include "mkfs/file_system.hpp"
#include "mkfs/process.hpp"

namespace insitu::apps {

// How a type is made.
struct TypeTraits {
    const char* type;
    const char* program;
    const char* package;  // of Debian
    bool read_only;       // as large as its content
};

// Null for an unknown type.
const TypeTraits* traits_of(const std::string& type);

// The commands that make a file system in `file`, to be run one after another. The file exists with
// its size, unless the type is read_only. `protofile` is for xfs.
std::vector<Command> mkfs_commands(const MkfsRequest& request, const TreeSummary& tree,
                                   const std::string& file, const std::string& protofile);

}  // namespace insitu::apps
