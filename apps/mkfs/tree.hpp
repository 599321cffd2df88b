#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace insitu::apps {

// What a directory tree asks of a file system.
struct TreeSummary {
    std::uint64_t entries = 0;      // everything below the top, hard links counted once
    std::uint64_t directories = 0;  // of these
    std::uint64_t data_bytes = 0;   // of files, each rounded up to blocks of 4 KiB
    // SHA-256 of names, kinds, modes, sizes and link targets, in sorted order: of times and owners
    // it knows nothing, so a tree that was checked out again gives the same.
    std::string digest;
    std::string special;  // the first entry that is neither file nor directory, below the top
};

// Throws an `io` Error that names what cannot be read.
TreeSummary summarize_tree(const std::filesystem::path& root);

// A UUID (of version 8: made from a digest) for a file system of this type. The same tree, type and
// epoch give the same UUID.
std::string derive_uuid(const TreeSummary& tree, const std::string& type, const std::string& epoch);

}  // namespace insitu::apps
