// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>

#include "insitu/units.hpp"

// Whole reads and writes over a descriptor; failures become `io` errors that name file and byte.
namespace insitu {

void read_whole(int fd, const std::string& name, std::uint64_t at_byte, ByteSpan output);
// The same over a descriptor with O_DIRECT, whose positions, lengths and memory are multiples of
// `unit`: what is not, goes through a buffer.
void read_whole_direct(int fd, const std::string& name, std::uint64_t at_byte, ByteSpan output,
                       std::size_t unit);
void write_whole(int fd, const std::string& name, std::uint64_t at_byte, ByteView input);
void sync_data(int fd, const std::string& name);

}  // namespace insitu
