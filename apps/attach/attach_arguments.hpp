// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

namespace insitu::apps {

struct AttachArguments {
    std::string image;
    std::string mountpoint;                  // empty: not mounted
    std::string file_system;                 // empty: mount(8) finds out
    std::vector<std::string> mount_options;  // for mount(8)
    std::vector<std::string> parameters;     // "key=value" for the plugin
    unsigned partition = 0;                  // that is mounted; 0: the whole device
    unsigned sector_bytes = 512;
    bool read_only = false;

    // With -r, or by the parameter of the plugin.
    bool asks_for_reading() const;
};

// "KEY=VALUE" for the plugin. Throws a `refused` Error for anything else.
void add_parameter(AttachArguments& arguments, const std::string& parameter);

// A list as behind -o: ro, rw, fs=TYPE, partition=N, sector-size=N and insitu.KEY=VALUE are for
// insitu-attach, what only fstab and systemd look at is for nobody, the rest is for mount(8).
// Throws a `refused` Error for a value that makes no sense.
void apply_options(AttachArguments& arguments, const std::string& list);

// The line of a file of /etc/insitu: image, directory or "none", options or "defaults"; fields are
// separated by blanks, which are \040 in a name, as in fstab(5). `name` is that of the file there,
// or a path. Throws `refused` and `io` Errors.
AttachArguments read_config(const std::string& name);

}  // namespace insitu::apps
