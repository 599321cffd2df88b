#pragma once

#include <string>

#include "insitu/device/device.hpp"

// The words behind `nbdkit insitu`.
namespace insitu::nbd {

struct Parameters {
    std::string path;
    DeviceOptions options;
    unsigned most_requests = 0;  // that work at a time; 0: as many as nbdkit has threads
};

// One `key=value`, in nbdkit's manner: 0, or -1 after an error message.
int set_parameter(Parameters& parameters, const std::string& key, const char* value);
// Whether what is needed was given; the same.
int check_complete(const Parameters& parameters);

// Whether nbdkit was started with -r. It tells its plugins only when a client comes, which is too
// late to choose how the image is opened and locked, so its command line is looked at.
bool is_read_only_server();

// For nbdkit's --help.
extern const char* const parameter_help;

}  // namespace insitu::nbd
