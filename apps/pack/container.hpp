// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>

#include "insitu/store.hpp"
#include "insitu/units.hpp"

namespace insitu::apps {

// A file that holds a disk or other content in a form of its own: a virtual disk, something
// compressed, an archive.
struct Container {
    std::string name;     // "qcow2", "gzip"
    std::string command;  // prints the raw content of `FILE`, or makes a raw file of it
};

// How many bytes at the start and at the end of a source find_container() looks at.
inline constexpr std::size_t container_head_bytes = 1024;
inline constexpr std::size_t container_tail_bytes = 512;

// Recognises a container by its magic. `head` is the start of the source (less if it is shorter),
// `tail` its last bytes (empty if they are not known, as of a stream).
std::optional<Container> find_container(ByteView head, ByteView tail);

// Throws a `refused` Error that names the container and the pipeline that packs its content.
[[noreturn]] void refuse_container(const Container& container, const std::string& source);

// find_container() of what a store holds.
std::optional<Container> find_container_in(const Store& store);

}  // namespace insitu::apps
