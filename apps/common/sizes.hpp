// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>

#include "insitu/internal/units/counted.hpp"

namespace insitu::apps {

// "4096", "64K", "1M", "2G", "1T", "1P": powers of 1024, an optional "iB" or "B" behind the letter.
// Throws CLI::ValidationError naming `option`.
std::uint64_t parse_size(const std::string& text, const std::string& option);
// The same of an image's content, which is more than 0 bytes.
std::uint64_t parse_content_size(const std::string& text, const std::string& option);

// "591.2 MiB"; exact below 1 KiB.
std::string human_bytes(std::uint64_t bytes);

// Part of a whole as "48.3 %"; "-" of nothing.
std::string percent(std::uint64_t part, std::uint64_t whole);

}  // namespace insitu::apps
