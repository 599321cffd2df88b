// SPDX-License-Identifier: GPL-2.0-or-later
#include "nbdkit/server_options.hpp"

#include "support/catch.hpp"

using insitu::nbd::server_options_of;

TEST_CASE("options of nbdkit are found however they are written") {
    struct Row {
        std::vector<std::string> arguments;
        bool read_only;
        const char* socket;
        bool traces;
    };
    const Row rows[] = {
        {{}, false, "", false},
        {{"-r"}, true, "", false},
        {{"-fr"}, true, "", false},
        {{"-fvrU", "sock"}, true, "sock", false},
        {{"-rUsock"}, true, "sock", false},
        {{"--readonly"}, true, "", false},
        {{"--read-only", "--unix=a=b"}, true, "a=b", false},
        {{"--unix", "-r"}, false, "-r", false},
        {{"-U", "-"}, false, "-", false},
        {{"-U", "-r"}, false, "-r", false},
        // A value is no option, whatever it looks like.
        {{"-P", "-r"}, false, "", false},
        {{"-Pr", "-er"}, false, "", false},
        {{"--pidfile", "-r", "-f"}, false, "", false},
        {{"-D", "nbdkit.backend.datapath=1"}, false, "", true},
        {{"--debug=nbdkit.backend.datapath=1"}, false, "", true},
        {{"-fDnbdkit.backend.datapath=1", "-r"}, true, "", true},
        // Options may stand behind the plugin, but not behind a command.
        {{"insitu", "image", "-r"}, true, "", false},
        {{"insitu", "image", "--run", "qemu-io -r", "-r"}, false, "", false},
        {{"insitu", "--", "-r"}, false, "", false},
        {{"-"}, false, "", false},
        {{"-U"}, false, "", false},
    };
    for (const Row& row : rows) {
        std::vector<std::string> arguments{"nbdkit"};
        arguments.insert(arguments.end(), row.arguments.begin(), row.arguments.end());
        const auto options = server_options_of(arguments);
        INFO([&] {
            std::string text;
            for (const std::string& argument : arguments)
                text += argument + ' ';
            return text;
        }());
        CHECK(options.read_only == row.read_only);
        CHECK(options.socket == row.socket);
        CHECK(options.traces_requests == row.traces);
    }
}
