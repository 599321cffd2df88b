// SPDX-License-Identifier: GPL-2.0-or-later
#include "fsck/undo_place.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <filesystem>

#include "insitu/error.hpp"
#include "insitu/open_store.hpp"

namespace insitu::apps {

namespace {

namespace fs = std::filesystem;

constexpr const char* log_suffix = ".insitu-undo";

// 0 for the log of that name itself, N for NAME.N; none for other files.
std::optional<unsigned> number_of(const std::string& file, const std::string& name) {
    if (file == name) return 0;
    if (file.size() < name.size() + 2 || file.compare(0, name.size() + 1, name + ".") != 0) {
        return std::nullopt;
    }
    const char* const end = file.data() + file.size();
    unsigned number = 0;
    const auto [rest, status] = std::from_chars(file.data() + name.size() + 1, end, number);
    if (status != std::errc{} || rest != end || number == 0) return std::nullopt;
    return number;
}

struct Found {
    unsigned number;
    std::string path;
};

void find_in(const std::string& directory, const std::string& name, std::vector<Found>& found) {
    std::error_code failed;
    fs::directory_iterator entry(directory, failed);
    for (; !failed && entry != fs::directory_iterator(); entry.increment(failed)) {
        const auto number = number_of(entry->path().filename().string(), name);
        if (number) found.push_back({*number, (fs::path(directory) / entry->path().filename())});
    }
    // Where nobody but others may look, or nothing is, no log is ours.
    const std::error_condition why = failed.default_error_condition();
    if (failed && why != std::errc::no_such_file_or_directory &&
        why != std::errc::permission_denied && why != std::errc::not_a_directory) {
        throw io_error({.file = directory}, "cannot look for undo logs", failed.value());
    }
}

std::string numbered(const std::string& base, unsigned number) {
    return number == 0 ? base : fmt::format("{}.{}", base, number);
}

// Whether a log can be made there, now or after the directory itself.
bool writable(const std::string& directory) {
    if (::access(directory.c_str(), F_OK) == 0) return ::access(directory.c_str(), W_OK) == 0;
    return ::access(fs::path(directory).parent_path().c_str(), W_OK) == 0;
}

std::optional<uid_t> owner_of(const std::string& image) {
    struct stat status {};
    if (::stat(image.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
    return status.st_uid;
}

// An NBD URI as the name of a file.
std::string name_of_uri(std::string uri) {
    for (char& letter : uri) {
        const bool plain = std::isalnum(static_cast<unsigned char>(letter)) != 0;
        if (!plain && letter != '.' && letter != '-') letter = '_';
    }
    return uri;
}

}  // namespace

UndoPlace::UndoPlace(const FsckOptions& options)
    : named_(!options.log.empty()), force_(options.force) {
    const std::string& image = options.output.empty() ? options.image : options.output;
    const NodeKind kind = node_kind(image);
    if (named_ || (kind != NodeKind::block_device && kind != NodeKind::remote)) {
        const fs::path path = named_ ? options.log : image + log_suffix;
        directories_ = {path.parent_path().string()};
        name_ = path.filename().string();
        return;
    }
    // By the name of the device itself, whatever link leads to it.
    name_ =
        (kind == NodeKind::remote ? name_of_uri(image) : fs::canonical(image).filename().string()) +
        log_suffix;
    mode_ = LogFile::Mode::create_directory;
    if (!options.undo_directory.empty()) {
        directories_ = {options.undo_directory};
    } else {
        directories_ = {"/var/lib/insitu-tools", "/run/insitu-tools"};
    }
}

std::vector<std::string> UndoPlace::existing() const {
    std::vector<Found> found;
    for (const std::string& directory : directories_)
        find_in(directory.empty() ? "." : directory, name_, found);
    std::stable_sort(found.begin(), found.end(),
                     [](const Found& a, const Found& b) { return a.number < b.number; });
    std::vector<std::string> paths;
    paths.reserve(found.size());
    for (Found& log : found)
        paths.push_back(fs::path(log.path).lexically_normal().string());
    return paths;
}

LogFile UndoPlace::create() const {
    auto directory = std::find_if(directories_.begin(), directories_.end(), writable);
    if (directory == directories_.end()) directory = directories_.begin();
    const std::string base = (fs::path(*directory) / name_).string();
    if (named_) {
        if (fs::symlink_status(base).type() != fs::file_type::not_found) {
            if (!force_) {
                throw Error(ErrorKind::refused, {.file = base}, "exists",
                            "--force replaces it: the repair that it belongs to can then no longer "
                            "be undone");
            }
            fs::remove(base);
        }
        return {base, mode_};
    }
    std::vector<Found> found;
    for (const std::string& each : directories_)
        find_in(each.empty() ? "." : each, name_, found);
    unsigned next = 0;
    for (const Found& log : found)
        next = std::max(next, log.number + 1);
    return {numbered(base, next), mode_};
}

FoundLog::FoundLog(const Tool& tool, const FsckOptions& options, const std::string& path,
                   LogFile::Mode mode) {
    try {
        file_.emplace(path, mode);
        const std::string why = file_->distrust(owner_of(options.image));
        if (!why.empty()) {
            tool.note(fmt::format("{}: is not taken for an undo log of {}: {}", path, options.image,
                                  why));
            return;
        }
        believed_ = UndoLog::cut_off_early(*file_);
        if (!believed_) state_ = UndoLog::open(*file_).state();
        believed_ = true;
    } catch (const Error& error) {
        tool.note(fmt::format("{}; it is left alone", error.what()));
    }
}

void require_own_log(const LogFile& log, const std::string& image) {
    const std::string why = log.distrust(owner_of(image));
    if (why.empty()) return;
    throw Error(ErrorKind::refused, {.file = log.name()}, "is not a log to be believed: " + why,
                "--force believes it");
}

void discard_unused_log(const std::string& path) noexcept {
    try {
        LogFile medium(path, LogFile::Mode::open);
        const bool unused =
            UndoLog::cut_off_early(medium) || UndoLog::open(medium).state() == LogState::planning;
        if (unused) fs::remove(path);
    } catch (const std::exception&) {
        return;  // what is not there, or cannot be read, stays
    }
}

}  // namespace insitu::apps
