// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "insitu/units.hpp"

namespace insitu::test {

using Random = std::mt19937_64;

// The seed of this run; each test makes its generator as make_random(its own number).
void set_seed(std::uint64_t seed);
std::uint64_t seed();
Random make_random(std::uint64_t salt);

// [0, limit)
std::uint64_t below(Random& random, std::uint64_t limit);

enum class Content { zeros, random, text, repeats, mixed };

// `length_bytes` of one kind; `mixed` changes kind every few blocks, zeros included.
std::vector<std::byte> make_content(Random& random, Content kind, std::size_t length_bytes);

}  // namespace insitu::test
