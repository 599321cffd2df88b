// SPDX-License-Identifier: GPL-2.0-or-later
#include "nbdkit/server_options.hpp"

#include <fstream>
#include <string_view>

namespace insitu::nbd {

namespace {

// nbdkit(1), of version 1.32; later ones only added long options.
constexpr std::string_view short_with_value = "DegiPptuU";
constexpr std::string_view long_with_value[] = {
    "debug", "exportname",       "export-name", "filter",  "group", "ip-addr",       "ipaddr",
    "log",   "mask-handshake",   "pid-file",    "pidfile", "port",  "selinux-label", "threads",
    "tls",   "tls-certificates", "tls-psk",     "unix",    "user"};

void set(ServerOptions& options, std::string_view name, std::string_view value) {
    if (name == "r" || name == "read-only" || name == "readonly") options.read_only = true;
    if (name == "U" || name == "unix") options.socket = value;
    if ((name == "D" || name == "debug") &&
        value.find("backend.datapath") != std::string_view::npos) {
        options.traces_requests = true;
    }
}

bool takes_value(std::string_view name) {
    for (const std::string_view known : long_with_value) {
        if (name == known) return true;
    }
    return name.size() == 1 && short_with_value.find(name) != std::string_view::npos;
}

class Reader {
  public:
    Reader(const std::vector<std::string>& arguments, ServerOptions& options)
        : arguments_(arguments), options_(options) {}

    // False behind the last option.
    bool read() {
        if (next_ >= arguments_.size()) return false;
        const std::string_view argument = arguments_[next_++];
        // What follows is for the plugin, and a command that is run.
        if (argument == "--" || argument.starts_with("--run")) return false;
        if (argument.starts_with("--")) {
            read_long(argument.substr(2));
        } else if (argument.size() > 1 && argument[0] == '-') {
            read_short(argument.substr(1));
        }
        return true;
    }

  private:
    std::string_view next() {
        return next_ < arguments_.size() ? std::string_view(arguments_[next_++])
                                         : std::string_view();
    }
    void read_long(std::string_view text) {
        const auto equals = text.find('=');
        if (equals != std::string_view::npos) {
            return set(options_, text.substr(0, equals), text.substr(equals + 1));
        }
        set(options_, text, takes_value(text) ? next() : std::string_view());
    }
    void read_short(std::string_view letters) {
        for (; !letters.empty(); letters.remove_prefix(1)) {
            const std::string_view name = letters.substr(0, 1);
            if (!takes_value(name)) {
                set(options_, name, {});
                continue;
            }
            const std::string_view rest = letters.substr(1);
            return set(options_, name, rest.empty() ? next() : rest);
        }
    }

    const std::vector<std::string>& arguments_;
    ServerOptions& options_;
    std::size_t next_ = 1;
};

}  // namespace

ServerOptions server_options_of(const std::vector<std::string>& arguments) {
    ServerOptions options;
    Reader reader(arguments, options);
    while (reader.read()) {
    }
    return options;
}

ServerOptions server_options() {
    std::ifstream file("/proc/self/cmdline");
    std::vector<std::string> arguments;
    for (std::string argument; std::getline(file, argument, '\0');)
        arguments.push_back(argument);
    return server_options_of(arguments);
}

}  // namespace insitu::nbd
