// SPDX-License-Identifier: GPL-2.0-or-later
#include "stat/live_report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <sstream>

#include "attach/control_client.hpp"
#include "attach/run_directory.hpp"
#include "common/printable.hpp"

namespace insitu::apps {

namespace {

enum class Kind { gauge, counter, state };

// In the order in which they are printed. The keys are those of JSON, too.
struct Figure {
    const char* key;
    const char* text;  // beside the number
    const char* help;  // for a monitor, where nothing else explains it
    Kind kind;
};
constexpr std::array figures{
    Figure{"server_pid", "process of the server", "Process ID of the server.", Kind::gauge},
    Figure{"read_only", "the image is only read", "Whether the image is only read (1) or not (0).",
           Kind::state},
    Figure{"logical_bytes", "size of the device", "Size of the device in bytes.", Kind::gauge},
    Figure{"connections", "clients that are connected", "Clients that are connected.", Kind::gauge},
    Figure{"waiting_bytes", "acknowledged, not yet committed",
           "Bytes of writes that are acknowledged and not yet committed.", Kind::gauge},
    Figure{"waiting_limit_bytes", "that may wait (cache-size)",
           "Bytes of writes that may wait for a commit (the parameter cache-size).", Kind::gauge},
    Figure{"durable", "everything acknowledged is durable",
           "Whether everything that was acknowledged is durable (1) or not (0).", Kind::state},
    Figure{"pending_intent", "the image is not an ordinary one now",
           "Whether the image has a pending intent (1) or is an ordinary one (0).", Kind::state},
    Figure{"journal_room_bytes", "of holes for the next commit",
           "Bytes of holes in the image that the next commit can use as its journal.", Kind::gauge},
    Figure{"journal_cramped", "the image is almost full",
           "Whether the image is almost full, so that writes are slow (1), or not (0).",
           Kind::state},
    Figure{"read_requests", "reads", "Read requests.", Kind::counter},
    Figure{"write_requests", "writes, zeros and trims", "Requests to write, zero or trim.",
           Kind::counter},
    Figure{"uncompressed_bytes", "of writes", "Bytes of content in write requests.", Kind::counter},
    Figure{"compressed_bytes", "written in place", "Bytes of payloads that were written in place.",
           Kind::counter},
    Figure{"encoded_bytes", "of payloads made", "Bytes of payloads that were made.", Kind::counter},
    Figure{"meta_bytes", "of meta written", "Bytes of meta that were written.", Kind::counter},
    Figure{"journal_bytes", "written to the journal", "Bytes that were written to the journal.",
           Kind::counter},
    Figure{"rewritten_extents", "decoded and compressed again",
           "Extents that were decoded and compressed again.", Kind::counter},
    Figure{"commits", "with an intent", "Commits that a journal protected.", Kind::counter},
    Figure{"unprotected_commits", "without room for an intent",
           "Commits that no journal protected, since the image had no room for it.", Kind::counter},
    Figure{"failed_commits", "tried, and failed", "Commits that were tried and failed.",
           Kind::counter},
    Figure{"recovered_windows", "restored at the start",
           "Windows of an interrupted run that were restored at the start.", Kind::counter},
    Figure{"compacted_windows", "put together when idle",
           "Windows that were put together while nothing was asked for.", Kind::counter},
    Figure{"cache_hits", "reads out of the decode cache",
           "Looks into the decode cache that found what they wanted.", Kind::counter},
    Figure{"cache_misses", "looks that found nothing there",
           "Looks into the decode cache that did not find what they wanted.", Kind::counter},
};

struct LiveStatus {
    std::string image;
    std::map<std::string, std::uint64_t> values;
    // Nothing: the server is an older one than this program, and does not count it.
    std::optional<std::uint64_t> at(const char* key) const {
        const auto found = values.find(key);
        if (found == values.end()) return std::nullopt;
        return found->second;
    }
};

LiveStatus parse(const std::string& socket, const std::string& answer) {
    LiveStatus status;
    std::istringstream lines(answer);
    for (std::string line; std::getline(lines, line);) {
        const auto space = line.find(' ');
        if (space == std::string::npos) continue;
        const std::string key = line.substr(0, space);
        if (key == "image") status.image = printable(line.substr(space + 1));
        std::uint64_t value = 0;
        const char* const end = line.data() + line.size();
        const auto [rest, failed] = std::from_chars(line.data() + space + 1, end, value);
        if (failed == std::errc{} && rest == end) status.values[key] = value;
    }
    for (const char* const key : {"server_pid", "logical_bytes"}) {
        if (status.at(key)) continue;
        throw Error(ErrorKind::refused, {.file = socket},
                    fmt::format("no server of an insitu image answers there: no {}", key),
                    "the socket of control=PATH is meant, not the one of nbdkit -U");
    }
    return status;
}

std::string socket_of(const World& world, const std::string& place) {
    if (is_socket(place)) return place;
    const ImageFolder folder = RunDirectory(world, RunDirectory::Missing::accept).folder_of(place);
    const auto state = folder.load();
    if (!state) {
        throw Error(ErrorKind::refused, {.file = place}, "is not attached",
                    "insitu-attach IMAGE attaches it; a server that was started by hand is asked "
                    "on its control=PATH");
    }
    if (!is_running(state->server)) {
        throw Error(ErrorKind::refused, {.file = place}, "its server is gone",
                    "insitu-detach IMAGE cleans up; what was flushed is in the image");
    }
    return folder.control();
}

std::string prometheus_label(const std::string& text) {
    std::string label;
    for (const char c : text) {
        if (c == '"' || c == '\\') label += '\\';
        label += c;
    }
    return label;
}

std::string prometheus_text(const LiveStatus& status) {
    std::string text;
    for (const Figure& figure : figures) {
        const auto value = status.at(figure.key);
        if (!value) continue;
        const bool counts = figure.kind == Kind::counter;
        const std::string name =
            fmt::format("insitu_device_{}{}", figure.key, counts ? "_total" : "");
        text += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n{0}{{image=\"{3}\"}} {4}\n", name,
                            figure.help, counts ? "counter" : "gauge",
                            prometheus_label(status.image), *value);
    }
    return text;
}

std::optional<double> hit_rate(const LiveStatus& status) {
    const std::uint64_t hits = status.at("cache_hits").value_or(0);
    const std::uint64_t looks = hits + status.at("cache_misses").value_or(0);
    if (looks == 0) return std::nullopt;
    return static_cast<double>(hits) / static_cast<double>(looks);
}

Json json_of(const LiveStatus& status) {
    Json document;
    Json& live = document["live"];
    live["image"] = status.image;
    for (const Figure& figure : figures) {
        const auto value = status.at(figure.key);
        if (!value) continue;
        live[figure.key] = figure.kind == Kind::state ? Json(*value != 0) : Json(*value);
    }
    const auto rate = hit_rate(status);
    live["cache_hit_rate"] = rate ? Json(*rate) : Json(nullptr);
    return document;
}

std::string report_text(const LiveStatus& status) {
    std::string text = fmt::format("{:<20}{}\n", "image", status.image);
    for (const Figure& figure : figures) {
        const auto value = status.at(figure.key);
        if (!value) continue;
        std::string key = figure.key;
        for (char& c : key)
            c = c == '_' ? ' ' : c;
        const std::string shown = figure.kind != Kind::state ? std::to_string(*value)
                                  : *value != 0              ? "yes"
                                                             : "no";
        text += fmt::format("{:<20}{:<15} {}\n", key, shown, figure.text);
    }
    if (const auto rate = hit_rate(status)) {
        constexpr double percent = 100;
        text += fmt::format("{:<20}{:.1f} %\n", "cache hit rate", *rate * percent);
    }
    return text;
}

}  // namespace

void print_live(Tool& tool, const std::string& place, LiveFormat format,
                std::chrono::seconds patience) {
    const std::string socket = socket_of(tool.world(), place);
    const LiveStatus status =
        parse(place, ControlClient(socket, "status", tool.stop(), patience).rest());
    if (format == LiveFormat::prometheus) return tool.print(prometheus_text(status));
    if (tool.common().json) return tool.print_json(json_of(status));
    if (!tool.common().quiet) tool.print_report(report_text(status));
}

}  // namespace insitu::apps
