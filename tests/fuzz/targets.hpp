// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <span>

#include "insitu/units.hpp"

// What is fuzzed: each takes any bytes, and ends the program where a promise is broken.
namespace insitu::fuzz {

struct Target {
    const char* name;  // also of its folder in the corpus
    void (*run)(ByteView input);
};

void super_block(ByteView input);
void window_map(ByteView input);
void payload(ByteView input);
void lzo(ByteView input);
void deflate(ByteView input);
void lzo_encode(ByteView input);
void deflate_encode(ByteView input);
void intent(ByteView input);
void undo_log(ByteView input);
void manifest(ByteView input);
void repair(ByteView input);  // open, check, repair, again, undo

std::span<const Target> targets();

// Ends the program with the place of the broken promise.
void require_at(bool holds, const char* promise, const char* file, int line);
#define FUZZ_REQUIRE(condition) \
    ::insitu::fuzz::require_at((condition), #condition, __FILE__, __LINE__)

}  // namespace insitu::fuzz
