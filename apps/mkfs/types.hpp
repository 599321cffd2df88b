// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace insitu::apps {

// What a type of file system, filled as it is filled here, keeps of a tree.
struct Holds {
    bool owners = true;
    bool modes = true;  // with sticky, set-user and set-group bits
    bool hard_links = true;
    bool sockets = true;
    bool special_files = true;  // symbolic links, devices, FIFOs
    std::int64_t oldest_second = 0;
    std::int64_t newest_second = 0;
    std::uint32_t granularity_ns = 1;
    bool acls = false;
    std::vector<std::string> xattr_prefixes = {};
    bool xattr_words = false;  // their names are words of ASCII
    std::uint64_t largest_file_bytes = 0;
    std::size_t longest_name = 255;  // in bytes
    std::string own_entry = {};      // a directory that its mkfs makes at the top
};

// How a type is made.
struct TypeTraits {
    const char* type;
    const char* program;
    const char* package;  // of Debian
    bool read_only;       // as large as its content
    bool from_directory;  // its program reads the tree from a directory
};

// Null for an unknown type.
const TypeTraits* traits_of(const std::string& type);

// The types that can be made here, for messages and completions.
std::vector<std::string> file_system_types();

// `options` are those for the type's own mkfs.
Holds holds_of(const std::string& type, const std::vector<std::string>& options);

// The value of an option that mkfs gets, as "-b 1024" or "-b1024"; the last one counts. Empty:
// none.
std::string option_value(const std::vector<std::string>& options, const std::string& option);

}  // namespace insitu::apps
