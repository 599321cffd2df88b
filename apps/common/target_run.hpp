// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "common/tool.hpp"
#include "insitu/target.hpp"

namespace insitu::apps {

// Makes a target ready for its first write. Where the tool fails from here on, it also says what is
// left of a device, which cannot be taken back as a file can. Both outlive the work.
void begin_target(Tool& tool, Target& target);

// Completes it.
void commit_target(Tool& tool, Target& target);

// A nameless file of zeros, whose content send_to_stdout() prints when it is complete.
Target make_stdout_target(std::uint64_t size_bytes);

// For tools that print an image: refuses a terminal; reports go to stderr from here on.
void begin_stdout_data(Tool& tool);
void send_to_stdout(const Tool& tool, const Store& image);

}  // namespace insitu::apps
