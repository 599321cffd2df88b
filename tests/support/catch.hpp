// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

// Debian 12 has Catch2 2.13; version 3 has other headers for the same macros, and other names.
#ifdef INSITU_CATCH2_V3
#include <catch2/catch_all.hpp>

using Catch::Approx;

namespace Catch::Matchers {

// As in version 2: a part of a text. In version 3 the name alone is an element of a range.
inline auto Contains(const std::string& text) {
    return ContainsSubstring(text);
}
inline auto Contains(std::string& text) {
    return ContainsSubstring(text);
}
inline auto Contains(std::string&& text) {
    return ContainsSubstring(text);
}
inline auto Contains(const char* text) {
    return ContainsSubstring(text);
}

}  // namespace Catch::Matchers
#else
#include <catch2/catch.hpp>
#endif
