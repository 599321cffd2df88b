// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

namespace insitu::nbd {

// What nbdkit was started with. It tells its plugins of -r only when a client comes, which is too
// late to choose how the image is opened and locked, and never of the rest: so its command line is
// looked at.
struct ServerOptions {
    bool read_only = false;
    std::string socket = {};       // of -U; empty: none, "-": one that nbdkit names
    bool traces_requests = false;  // -D nbdkit.backend.datapath
};

// `arguments`: nbdkit's, its own name first. Short options may stand in one argument (-fr), and
// their value in the same or the next (-Usocket, -fU socket), as getopt_long(3) has it.
ServerOptions server_options_of(const std::vector<std::string>& arguments);
// This process's.
ServerOptions server_options();

}  // namespace insitu::nbd
