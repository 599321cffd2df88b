// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "nbdkit/parameters.hpp"

namespace insitu::nbd {

// What a ControlServer answers to "status": lines of "key value". The keys are those of
// insitu-stat --live --json; numbers are decimal, states 0 or 1, names without control characters.
std::string live_status(const Parameters& parameters, const Device& device, unsigned connections);

}  // namespace insitu::nbd
