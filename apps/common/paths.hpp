// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "common/world.hpp"

namespace insitu::apps {

// Throws a `refused` Error where `target` leads to what `source` leads to: by another name, a link,
// or a loop device. `role` says what the source is: "the source", "the image".
void refuse_same_storage(const std::string& source, const std::string& target, const char* role);

// The permissions that a file made of the source gets at most: not more than the source itself has.
// "-" is the input of the world.
unsigned mode_limit_of(const World& world, const std::string& source);

}  // namespace insitu::apps
