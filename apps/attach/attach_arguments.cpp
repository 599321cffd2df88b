// SPDX-License-Identifier: GPL-2.0-or-later
#include "attach/attach_arguments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <sstream>

#include "attach/host.hpp"
#include "insitu/error.hpp"

namespace insitu::apps {

namespace {

// Of fstab(5) and systemd.mount(5); mount(8) needs none of them.
bool is_for_fstab(const std::string& option) {
    constexpr std::array words{"defaults", "auto",  "noauto", "nofail", "_netdev", "user",
                               "nouser",   "users", "owner",  "group",  "loop",    "rw"};
    return option.empty() || option.starts_with("x-") || option.starts_with("comment=") ||
           std::find(words.begin(), words.end(), option) != words.end();
}

unsigned number(const std::string& option, const std::string& text, unsigned most) {
    unsigned value = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, status] = std::from_chars(text.data(), end, value);
    if (status == std::errc{} && rest == end && value != 0 && value <= most) return value;
    throw Error(ErrorKind::refused, {},
                fmt::format("{}={}: expected a number from 1 to {}", option, text, most));
}

void apply_option(AttachArguments& arguments, const std::string& option) {
    constexpr unsigned most_partitions = 128;
    const std::string key = option.substr(0, option.find('='));
    const std::string value = key.size() < option.size() ? option.substr(key.size() + 1) : "";
    const std::string own = "insitu.";
    if (option == "ro") {
        arguments.read_only = true;
    } else if (option == "rw") {
        arguments.read_only = false;
    } else if (key == "fs") {
        arguments.file_system = value;
    } else if (key == "partition") {
        arguments.partition = number(key, value, most_partitions);
    } else if (key == "sector-size") {
        if (value != "512" && value != "4096") {
            throw Error(ErrorKind::refused, {},
                        fmt::format("sector-size={}: expected 512 or 4096", value));
        }
        arguments.sector_bytes = value == "512" ? 512 : 4096;
    } else if (option.starts_with(own)) {
        add_parameter(arguments, option.substr(own.size()));
    } else if (!is_for_fstab(option)) {
        arguments.mount_options.push_back(option);
    }
}

}  // namespace

bool AttachArguments::asks_for_reading() const {
    const auto is_given = [](const std::string& parameter) {
        return parameter.starts_with("readonly=");
    };
    return read_only || std::any_of(parameters.begin(), parameters.end(), is_given);
}

// Another word would be a file name or an option of nbdkit's own.
void add_parameter(AttachArguments& arguments, const std::string& parameter) {
    constexpr auto letters = "abcdefghijklmnopqrstuvwxyz";
    constexpr auto others = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
    const std::size_t end = parameter.find('=');
    const std::string key = parameter.substr(0, end);
    if (end == std::string::npos || key.find_first_of(letters) != 0 ||
        key.find_first_not_of(others) != std::string::npos) {
        throw Error(ErrorKind::refused, {},
                    fmt::format("'{}' is not a parameter, such as cache-size=1G", parameter),
                    "nbdkit insitu --help lists them");
    }
    if (key == "image" || key == "control") {
        throw Error(ErrorKind::refused, {},
                    fmt::format("'{}' is set by insitu-attach itself", key));
    }
    arguments.parameters.push_back(parameter);
}

void apply_options(AttachArguments& arguments, const std::string& list) {
    std::istringstream options(list);
    for (std::string option; std::getline(options, option, ',');)
        apply_option(arguments, option);
}

AttachArguments read_config(const std::string& name) {
    const std::string path =
        name.find('/') != std::string::npos ? name : "/etc/insitu/" + name + ".conf";
    std::ifstream file(path);
    if (!file) throw io_error({.file = path}, "cannot open", errno);
    AttachArguments arguments;
    for (std::string line; std::getline(file, line);) {
        std::istringstream fields(line);
        std::string image;
        if (!(fields >> image) || image.starts_with('#')) continue;
        std::string mountpoint = "none";
        std::string options;
        std::string more;
        fields >> mountpoint >> options;
        if (image == "-") {
            throw Error(ErrorKind::refused, {.file = path}, "a stream cannot be attached",
                        "expected one line: /IMAGE [DIRECTORY|none [OPTIONS]]");
        }
        if (!arguments.image.empty() || fields >> more || !image.starts_with('/')) {
            throw Error(ErrorKind::refused, {.file = path},
                        "expected one line: /IMAGE [DIRECTORY|none [OPTIONS]]",
                        "a blank within a name is \\040");
        }
        arguments.image = unescape_octal(image);
        arguments.mountpoint = mountpoint == "none" ? "" : unescape_octal(mountpoint);
        apply_options(arguments, options);
    }
    if (arguments.image.empty()) {
        throw Error(ErrorKind::refused, {.file = path}, "names no image",
                    "expected one line: /IMAGE [DIRECTORY|none [OPTIONS]]");
    }
    return arguments;
}

}  // namespace insitu::apps
