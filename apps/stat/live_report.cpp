// SPDX-License-Identifier: GPL-2.0-or-later
#include "stat/live_report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <charconv>
#include <cstdint>
#include <map>
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
    const char* text;
    Kind kind;
};
constexpr std::array figures{
    Figure{"server_pid", "process of the server", Kind::gauge},
    Figure{"read_only", "the image is only read", Kind::state},
    Figure{"logical_bytes", "size of the device", Kind::gauge},
    Figure{"connections", "clients that are connected", Kind::gauge},
    Figure{"waiting_bytes", "acknowledged, not yet committed", Kind::gauge},
    Figure{"waiting_limit_bytes", "that may wait (cache-size)", Kind::gauge},
    Figure{"durable", "everything acknowledged is durable", Kind::state},
    Figure{"pending_intent", "the image is not an ordinary one now", Kind::state},
    Figure{"journal_room_bytes", "of holes for the next commit", Kind::gauge},
    Figure{"journal_cramped", "the image is almost full", Kind::state},
    Figure{"read_requests", "reads", Kind::counter},
    Figure{"write_requests", "writes, zeros and trims", Kind::counter},
    Figure{"uncompressed_bytes", "of writes", Kind::counter},
    Figure{"compressed_bytes", "written in place", Kind::counter},
    Figure{"encoded_bytes", "of payloads made", Kind::counter},
    Figure{"meta_bytes", "of meta written", Kind::counter},
    Figure{"journal_bytes", "written to the journal", Kind::counter},
    Figure{"rewritten_extents", "decoded and compressed again", Kind::counter},
    Figure{"commits", "with an intent", Kind::counter},
    Figure{"unprotected_commits", "without room for an intent", Kind::counter},
    Figure{"recovered_windows", "restored at the start", Kind::counter},
    Figure{"compacted_windows", "put together when idle", Kind::counter},
    Figure{"cache_hits", "reads out of the decode cache", Kind::counter},
    Figure{"cache_misses", "looks that found nothing there", Kind::counter},
};

struct LiveStatus {
    std::string image;
    std::map<std::string, std::uint64_t> values;
    std::uint64_t at(const char* key) const { return values.at(key); }
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
    for (const Figure& figure : figures) {
        if (status.values.contains(figure.key)) continue;
        throw Error(ErrorKind::refused, {.file = socket},
                    fmt::format("no server of an insitu image answers there: no {}", figure.key),
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
        const bool counts = figure.kind == Kind::counter;
        const std::string name =
            fmt::format("insitu_device_{}{}", figure.key, counts ? "_total" : "");
        text += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n{0}{{image=\"{3}\"}} {4}\n", name,
                            figure.text, counts ? "counter" : "gauge",
                            prometheus_label(status.image), status.at(figure.key));
    }
    return text;
}

std::optional<double> hit_rate(const LiveStatus& status) {
    const std::uint64_t looks = status.at("cache_hits") + status.at("cache_misses");
    if (looks == 0) return std::nullopt;
    return static_cast<double>(status.at("cache_hits")) / static_cast<double>(looks);
}

Json json_of(const LiveStatus& status) {
    Json document;
    Json& live = document["live"];
    live["image"] = status.image;
    for (const Figure& figure : figures) {
        const std::uint64_t value = status.at(figure.key);
        if (figure.kind == Kind::state) {
            live[figure.key] = value != 0;
        } else {
            live[figure.key] = value;
        }
    }
    const auto rate = hit_rate(status);
    live["cache_hit_rate"] = rate ? Json(*rate) : Json(nullptr);
    return document;
}

std::string report_text(const LiveStatus& status) {
    std::string text = fmt::format("{:<20}{}\n", "image", status.image);
    for (const Figure& figure : figures) {
        std::string key = figure.key;
        for (char& c : key)
            c = c == '_' ? ' ' : c;
        const std::uint64_t value = status.at(figure.key);
        const std::string shown = figure.kind != Kind::state ? std::to_string(value)
                                  : value != 0               ? "yes"
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

void print_live(Tool& tool, const std::string& place, LiveFormat format) {
    const std::string socket = socket_of(tool.world(), place);
    constexpr std::chrono::seconds patience{10};
    const LiveStatus status =
        parse(place, ControlClient(socket, "status", tool.stop(), patience).rest());
    if (format == LiveFormat::prometheus) return tool.print(prometheus_text(status));
    if (tool.common().json) return tool.print_json(json_of(status));
    if (!tool.common().quiet) tool.print(report_text(status));
}

}  // namespace insitu::apps
