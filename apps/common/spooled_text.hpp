// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>

#include "common/temporary_file.hpp"
#include "common/tool.hpp"

namespace insitu::apps {

// Text of any length that is printed later than it comes; it waits in a temporary file. Both throw
// `io` Errors.
class SpooledText {
  public:
    void add(std::string_view text);
    // Prints what was added, on standard output.
    void print(const Tool& tool);

  private:
    File file_;  // null before the first text
};

}  // namespace insitu::apps
