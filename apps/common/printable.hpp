// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace insitu::apps {

// Text from outside as it can be printed: control characters (also those of Unicode) and bytes that
// are no UTF-8 become \\xHH, so that no text moves the cursor or hides another.
std::string printable(std::string_view text);
// The same of each line of a text.
std::string printable_lines(std::string_view text);

// A document as text; control characters of its strings are escaped. Its strings may be names of
// files, which need not be UTF-8: in a string with such bytes each of them becomes \\xHH, and each
// backslash two. Never throws over what they hold.
std::string json_text(const nlohmann::ordered_json& document, int indent = -1);

}  // namespace insitu::apps
