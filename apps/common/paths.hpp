// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

namespace insitu::apps {

// Throws a `refused` Error where `target` leads to what `source` leads to: by another name, a link,
// or a loop device. `role` says what the source is: "the source", "the image".
void refuse_same_storage(const std::string& source, const std::string& target, const char* role);

// The permissions that a file made of the source gets at most: not more than the source itself has.
unsigned mode_limit_of(const std::string& source);

}  // namespace insitu::apps
