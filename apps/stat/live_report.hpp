// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "common/tool.hpp"

namespace insitu::apps {

enum class LiveFormat { by_option, prometheus };

// Asks the server of a live device how it is, and prints it: as text, JSON or Prometheus' text.
// `place` is a control socket, or an image that insitu-attach has attached. Throws a `refused`
// Error if nothing serves the image, and `io` Errors.
void print_live(Tool& tool, const std::string& place, LiveFormat format,
                std::chrono::seconds patience);

}  // namespace insitu::apps
