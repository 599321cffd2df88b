// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <set>
#include <string>

#include "insitu/internal/device/device.hpp"

// The words behind `nbdkit insitu`.
namespace insitu::nbd {

struct Parameters {
    std::string path;
    std::string control;  // socket of the ControlServer; empty: none
    DeviceOptions options;
    std::set<std::string> given = {};  // keys
    unsigned most_requests = 0;        // that work at a time; 0: as many as nbdkit has threads
};

// One `key=value`, in nbdkit's manner: 0, or -1 after an error message.
int set_parameter(Parameters& parameters, const std::string& key, const char* value);
// Whether what is needed was given; the same.
int check_complete(const Parameters& parameters);

// For nbdkit's --help.
extern const char* const parameter_help;

}  // namespace insitu::nbd
