// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace insitu::apps {

// A time as file systems count it: seconds since 1970, which may be negative, and a fraction.
struct Timestamp {
    std::int64_t seconds = 0;
    std::uint32_t nanoseconds = 0;
    friend auto operator<=>(const Timestamp&, const Timestamp&) = default;
};

// A part of a file that is no hole.
struct DataRange {
    std::uint64_t at_byte = 0;
    std::uint64_t length_bytes = 0;
};

constexpr std::size_t no_entry = static_cast<std::size_t>(-1);

// One name in a tree, with all that a file system may keep of it.
struct Entry {
    std::string path;  // below the top, without a slash at its ends; empty: the top itself
    mode_t mode = 0;   // kind and permissions
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    Timestamp modified;
    Timestamp accessed;
    Timestamp changed;
    std::uint64_t size_bytes = 0;    // of a regular file
    std::uint32_t device_major = 0;  // of a device node
    std::uint32_t device_minor = 0;
    std::string link_target;                    // of a symbolic link
    std::map<std::string, std::string> xattrs;  // by their full names
    std::size_t link_to = no_entry;             // an earlier entry of which this is another name
    std::uint32_t names = 1;      // how many the tree has of it, in the entry that comes first
    std::string content_path;     // a file that holds the content
    std::vector<DataRange> data;  // of it, in rising order

    std::string name() const { return path.substr(path.rfind('/') + 1); }
    bool is(mode_t kind) const noexcept;
};

// A directory tree as a value. The top comes first, a directory before what it holds, and names in
// the order of their bytes: the same tree always gives the same list.
struct Tree {
    std::vector<Entry> entries;
    std::string directory;  // the directory it was read from; empty: none
    // Whether other file systems are mounted in it: numbers of inodes may be there twice.
    bool has_mounts = false;
    // Whether files in `directory` are without their empty units, see sparse_units.hpp.
    bool is_squeezed = false;

    bool empty() const noexcept { return entries.empty(); }
    // The entry that holds what this one is a name of.
    const Entry& inode_of(const Entry& entry) const {
        return entry.link_to == no_entry ? entry : entries[entry.link_to];
    }
};

// Whether `a` comes before `b` in a tree: by the names on the way, so that a directory is followed
// by all that it holds.
bool path_before(const std::string& a, const std::string& b) noexcept;

struct PathOrder {
    bool operator()(const std::string& a, const std::string& b) const noexcept {
        return path_before(a, b);
    }
};

// The path of the directory that holds `path`.
std::string parent_path(const std::string& path);

// For every entry the entry of its directory; the top has itself.
std::vector<std::size_t> parents_of(const Tree& tree);

// The children of each entry, in order.
std::vector<std::vector<std::size_t>> children_of(const Tree& tree);

// A name for messages: control characters and bytes that are no UTF-8 are escaped.
std::string printable(const std::string& path);

}  // namespace insitu::apps
