// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/map_page.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "common/map_page_template.hpp"
#include "common/paths.hpp"
#include "common/printable.hpp"
#include "insitu/internal/format/geometry.hpp"
#include "insitu/internal/store/unique_fd.hpp"

namespace insitu::apps {

namespace {

constexpr std::string_view page_start = "<!DOCTYPE html>";
// By this a page is known that may be replaced by the next one.
constexpr std::string_view page_mark = "<meta name=\"generator\" content=\"insitu-tools\">\n";
constexpr std::size_t page_mark_end = 256;

std::string html_escaped(std::string_view text) {
    std::string safe;
    for (const char letter : printable(text)) {
        switch (letter) {
            case '&':
                safe += "&amp;";
                break;
            case '<':
                safe += "&lt;";
                break;
            case '>':
                safe += "&gt;";
                break;
            case '"':
                safe += "&quot;";
                break;
            default:
                safe += letter;
        }
    }
    return safe;
}

// JSON inside <script>: nothing in it may end the element.
std::string script_json(const Json& document) {
    std::string safe;
    for (const char letter : json_text(document)) {
        if (letter == '<') {
            safe += "\\u003c";
        } else {
            safe += letter;
        }
    }
    return safe;
}

std::string value_text(const Json& value) {
    return value.is_string() ? value.get<std::string>() : json_text(value);
}

std::string figure_rows(const Json& report, const std::string& prefix) {
    std::string html;
    for (const auto& [key, value] : report.items()) {
        if (value.is_array() || value.is_null()) continue;
        if (value.is_object()) {
            html += figure_rows(value, prefix + key + " ");
            continue;
        }
        html += fmt::format("<tr><th scope=\"row\">{}</th><td class=\"{}\">{}</td></tr>\n",
                            html_escaped(prefix + key), value.is_number() ? "n" : "t",
                            html_escaped(value_text(value)));
    }
    return html;
}

std::string figures_table(const Json& report) {
    return "<h2>Figures</h2>\n<div class=\"wide\"><table>\n" + figure_rows(report, "") +
           "</table></div>\n";
}

// A list of objects that have a size and a count of extents, as bars.
std::string histogram_table(const Json& report, const char* key, const char* title) {
    if (!report.contains(key) || report[key].empty()) return {};
    std::uint64_t highest = 1;
    for (const Json& item : report[key])
        highest = std::max(highest, item["extents"].get<std::uint64_t>());
    std::string html = fmt::format("<h2>{}</h2>\n<div class=\"wide\"><table>\n", title);
    for (const Json& item : report[key]) {
        const auto count = item["extents"].get<std::uint64_t>();
        constexpr std::uint64_t widest = 30;  // em
        html += fmt::format(
            "<tr><th scope=\"row\" class=\"n\">{}</th><td class=\"n\">{}</td>"
            "<td><div class=\"bar\" style=\"width:{:.1f}em\"></div></td></tr>\n",
            html_escaped(value_text(item.begin().value())), count,
            static_cast<double>(count) * widest / static_cast<double>(highest));
    }
    return html + "</table></div>\n";
}

std::string place_text(std::optional<WindowIndex> window, BlockIndex block, std::uint64_t at_byte) {
    if (!window) return fmt::format("byte {}", at_byte);
    return fmt::format("window {}, block {}, byte {}", window->value, block.value, at_byte);
}

std::string findings_list(const MapPage& page) {
    if (page.finding_count == 0 && page.action_count == 0) return {};
    std::string html =
        fmt::format("<h2>Findings ({})</h2>\n<ol class=\"findings\">\n", page.finding_count);
    for (const Finding& finding : page.findings) {
        html += fmt::format(
            "<li><b>{}</b> {}: {}: {}. <span class=\"dim\">{}; the driver: {}; {}"
            "</span></li>\n",
            kind_of(finding.id).name, to_string(finding.severity),
            html_escaped(kind_of(finding.id).text), html_escaped(finding.detail),
            place_text(finding.window, finding.block, finding.at_byte), to_string(finding.effect),
            html_escaped(kind_of(finding.id).repair));
    }
    html += "</ol>\n";
    if (page.action_count != 0) {
        html += fmt::format("<h2>Planned repairs ({})</h2>\n<ol class=\"findings\">\n",
                            page.action_count);
        for (const PlannedAction& action : page.plan) {
            html += fmt::format("<li><b>{}</b>: {}. <span class=\"dim\">{}</span></li>\n",
                                to_string(action.kind), html_escaped(action.detail),
                                place_text(action.window, action.block, action.at_byte));
        }
        html += "</ol>\n";
    }
    if (page.finding_count > page.findings.size() || page.action_count > page.plan.size()) {
        html += fmt::format("<p>The first {} of each are listed.</p>\n", page_list_limit);
    }
    return html;
}

Json data_of(const MapPage& page, const RegionMap& map) {
    Json data;
    data["windows_per_region"] = map.windows_per_region;
    Json& regions = data["regions"] = Json::array();
    for (const Region& region : map.regions) {
        regions.push_back({region.blocks, region.mapped_blocks, region.payload_sectors,
                           region.raw_blocks, region.compressed_extents, region.raw_extents,
                           region.faulty_blocks});
    }
    Json& findings = data["findings"] = Json::array();
    for (const Finding& finding : page.findings) {
        if (!finding.window) continue;
        findings.push_back({{"id", kind_of(finding.id).name},
                            {"severity", to_string(finding.severity)},
                            {"block", finding.block.value},
                            {"blocks", finding.blocks},
                            {"text", kind_of(finding.id).text}});
    }
    data["report"] = page.report;
    return data;
}

bool is_report(const Tool& tool, const struct stat& info) {
    struct stat report {};
    return ::fstat(tool.world().output_fd(), &report) == 0 && info.st_dev == report.st_dev &&
           info.st_ino == report.st_ino;
}

// Opens regular files only: to open a pipe may wait for ever, to open a device may do something.
void check_page_name(const Tool& tool, const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return;  // whatever it is, whoever creates it is told
    const auto refuse = [&](const char* reason) {
        throw Error(ErrorKind::refused, {.file = path}, reason, "name another file");
    };
    if (!S_ISREG(info.st_mode)) refuse("is not a regular file");
    if (is_report(tool, info)) refuse("is where the report goes");
    if (info.st_size == 0) return;
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) throw io_error({.file = path}, "cannot look whether it is a page", errno);
    std::array<char, page_mark_end> start{};
    const ssize_t length = ::pread(fd.get(), start.data(), start.size(), 0);
    if (length < 0) throw io_error({.file = path}, "cannot read", errno);
    const std::string_view text(start.data(), static_cast<std::size_t>(length));
    if (!text.starts_with(page_start) || text.find(page_mark) == std::string_view::npos)
        refuse("is there already, and is not a page of these tools: it is not replaced");
}

}  // namespace

std::string map_page(const MapPage& page, const RegionMap& map) {
    std::string html(page_start);
    html += "\n<html lang=\"en\">\n<head>\n";
    html += page_mark;
    html += fmt::format("<title>{}</title>\n", html_escaped(page.title));
    html += page_head;
    html += fmt::format("</head>\n<body>\n<h1>{}</h1>\n", html_escaped(page.title));
    if (!map.regions.empty()) html += page_map;
    html += findings_list(page);
    html += figures_table(page.report);
    html += histogram_table(page.report, "extents_by_length", "Extents by their blocks");
    html += histogram_table(page.report, "extents_by_payload", "Extents by their sectors");
    if (map.regions.empty()) return html + "</body>\n</html>\n";
    html += "<script type=\"application/json\" id=\"data\">" + script_json(data_of(page, map)) +
            "</script>\n";
    html += page_script;
    return html + "</body>\n</html>\n";
}

PageFile::PageFile(const Tool& tool, const std::string& path, const std::string& image)
    : tool_(tool), path_(path) {
    if (path.empty()) return;
    refuse_same_storage(image, path, "the image");
    check_page_name(tool, path);
    file_ = std::make_unique<OutputFile>(path, 0);
}

int PageFile::write(const std::function<std::string()>& html, int failed) {
    if (!is_wanted()) return 0;
    try {
        const std::string page = html();
        // By now it may be the repaired image, or its log.
        check_page_name(tool_, path_);
        file_->store().write_at(0, std::as_bytes(std::span(page)));
        file_->commit();
        return 0;
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::cancelled) throw;
        tool_.complain(error);
        return failed;
    }
}

}  // namespace insitu::apps
