// SPDX-License-Identifier: GPL-2.0-or-later
#include "nbdkit/parameters.hpp"

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include <charconv>
#include <cstdlib>
#include <string_view>

namespace insitu::nbd {

namespace {

int unknown_value(const std::string& key, const std::string& value, const char* expected) {
    nbdkit_error("%s=%s: expected %s", key.c_str(), value.c_str(), expected);
    return -1;
}

// nbdkit changes its directory when it goes to the background, so it makes paths absolute.
int set_path(std::string& path, char* absolute) {
    if (absolute == nullptr) return -1;
    path = absolute;
    std::free(absolute);
    return 0;
}

// "5", "5s", "500ms", "2min".
int set_delay(DeviceOptions& options, const std::string& value) {
    constexpr std::uint64_t longest_ms = 86400000;
    std::uint64_t number = 0;
    const char* const end = value.data() + value.size();
    const auto [rest, status] = std::from_chars(value.data(), end, number);
    const std::string unit(rest, static_cast<std::size_t>(end - rest));
    const std::uint64_t factor = unit.empty() || unit == "s" ? 1000
                                 : unit == "ms"              ? 1
                                 : unit == "min"             ? 60000
                                                             : 0;
    if (status != std::errc{} || factor == 0 || number == 0 || number > longest_ms / factor) {
        return unknown_value("commit-delay", value,
                             "a time in s, ms or min, such as 5, 5s, 500ms or 2min, up to a day");
    }
    options.commit_delay = std::chrono::milliseconds(number * factor);
    return 0;
}

int set_numbers(Parameters& parameters, const std::string& key, const char* value) {
    if (key == "cache-size" || key == "decode-cache") {
        const std::int64_t bytes = nbdkit_parse_size(value);
        if (bytes < 0) return unknown_value(key, value, "a size such as 64M");
        DeviceOptions& options = parameters.options;
        (key == "cache-size" ? options.cache_bytes : options.decode_cache_bytes) =
            static_cast<std::uint64_t>(bytes);
        return 0;
    }
    if (key == "commit-delay") return set_delay(parameters.options, value);
    return nbdkit_parse_unsigned(key.c_str(), value, &parameters.most_requests);
}

int set_choices(DeviceOptions& options, const std::string& key, const std::string& value) {
    if (key == "metadata") {
        if (value == "writeback") return options.policy = CommitPolicy::writeback, 0;
        if (value == "writethrough") return options.policy = CommitPolicy::writethrough, 0;
        return unknown_value(key, value, "writeback or writethrough");
    }
    if (key == "level") {
        if (value == "fast") return options.level = Level::fast, 0;
        if (value == "default") return options.level = Level::normal, 0;
        if (value == "best") return options.level = Level::best, 0;
        if (value.size() == 1 && value[0] >= '1' && value[0] <= '9') {
            return options.level = static_cast<Level>(value[0] - '0'), 0;
        }
        return unknown_value(key, value, "fast, default, best or 1 to 9");
    }
    if (key == "pending") {
        if (value == "apply") return options.pending = PendingIntent::apply, 0;
        if (value == "drop") return options.pending = PendingIntent::drop, 0;
        return unknown_value(key, value, "apply or drop");
    }
    if (key == "unprotected") {
        if (value == "refuse") return options.unprotected = UnprotectedCommits::refuse, 0;
        if (value == "allow") return options.unprotected = UnprotectedCommits::allow, 0;
        return unknown_value(key, value, "refuse or allow");
    }
    nbdkit_error("unknown parameter '%s'", key.c_str());
    return -1;
}

int set_switch(DeviceOptions& options, const std::string& key, const char* value) {
    const int on = nbdkit_parse_bool(value);
    if (on < 0) return unknown_value(key, value, "true or false");
    if (key == "readonly") {
        options.access = on != 0 ? Access::read : Access::read_write;
    } else if (key == "seals") {
        options.seals = on != 0 ? Seals::write : Seals::none;
    } else if (key == "verify-seals") {
        options.seal_check = on != 0 ? SealCheck::verify : SealCheck::ignore;
    } else {
        options.compaction = on != 0 ? Compaction::idle : Compaction::off;
    }
    return 0;
}

}  // namespace

int set_parameter(Parameters& parameters, const std::string& key, const char* value) {
    if (!parameters.given.insert(key).second) {
        nbdkit_error("%s=%s: %s was given before", key.c_str(), value, key.c_str());
        return -1;
    }
    if (key == "image" && std::string_view(value) == "-") {
        nbdkit_error(
            "image=-: a stream cannot be served: name a file, or ./- for one of that name");
        return -1;
    }
    if (key == "image") return set_path(parameters.path, nbdkit_realpath(value));
    // The socket is made later.
    if (key == "control") return set_path(parameters.control, nbdkit_absolute_path(value));
    if (key == "cache-size" || key == "decode-cache" || key == "threads" || key == "commit-delay") {
        return set_numbers(parameters, key, value);
    }
    if (key == "readonly" || key == "compact" || key == "seals" || key == "verify-seals") {
        return set_switch(parameters.options, key, value);
    }
    return set_choices(parameters.options, key, value);
}

int check_complete(const Parameters& parameters) {
    if (!parameters.path.empty()) return 0;
    nbdkit_error("which image? nbdkit insitu IMAGE");
    return -1;
}

const char* const parameter_help =
    "image=<IMAGE>                 (required) Image file or block device.\n"
    "metadata=writeback|writethrough   When writes reach the medium (default: writeback).\n"
    "commit-delay=<TIME>           At most so long after the write: 5, 5s, 500ms, 2min (default: "
    "5).\n"
    "cache-size=<SIZE>             Memory for writes that wait; less than 132K means 132K "
    "(default: 64M).\n"
    "decode-cache=<SIZE>           Memory for extents that were read in part, 0: none (default: "
    "256M).\n"
    "level=fast|default|best|1...9  Compression effort (default: fast).\n"
    "compact=<BOOL>                Put cut-up windows together when idle (default: false).\n"
    "threads=<N>                   Requests processed at a time; 0, the default: as many as "
    "nbdkit's --threads.\n"
    "readonly=<BOOL>               Open the image for reading only (default: false).\n"
    "seals=<BOOL>                  Seal what is written (default: true).\n"
    "verify-seals=<BOOL>           Reads fail if content differs from its seal (default: true).\n"
    "unprotected=refuse|allow      Writes that a full image has no journal for (default: allow).\n"
    "control=<PATH>                A socket for insitu-stat --live (default: none).\n"
    "pending=apply|drop            What an interrupted run left (default: apply if there is no "
    "doubt).";

}  // namespace insitu::nbd
