// SPDX-License-Identifier: GPL-2.0-or-later
#include "attach/run_directory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "insitu/error.hpp"

namespace insitu::apps {

namespace {

constexpr const char* state_schema = "insitu-attach-state/1";
constexpr std::array through_names{"nbd", "fuse-loop", "fuse"};

std::string default_place(const World& world) {
    if (const char* own = world.variable("INSITU_RUN_DIR"); own != nullptr && *own != '\0') {
        return own;
    }
    if (::geteuid() == 0) return "/run/insitu-tools";
    const char* const user = world.variable("XDG_RUNTIME_DIR");
    if (user != nullptr && *user != '\0') return std::string(user) + "/insitu";
    throw Error(ErrorKind::refused, {}, "XDG_RUNTIME_DIR is not set: no place for sockets",
                "INSITU_RUN_DIR names a folder of yours for them");
}

bool is_only_ours(const struct stat& info) {
    return info.st_uid == ::geteuid() && (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

void make_folder(const std::string& path) {
    if (::mkdir(path.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
        throw io_error({.file = path}, "cannot make the folder", errno);
    }
}

void check_folder(const std::string& path) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) {
        throw io_error({.file = path}, "cannot look at it", errno);
    }
    if (S_ISDIR(info.st_mode) && is_only_ours(info)) return;
    throw Error(ErrorKind::refused, {.file = path},
                "is not a folder of this user alone: what is in it is not believed",
                "remove it, or name another one in INSITU_RUN_DIR");
}

// Names of files are bytes, JSON is UTF-8: each byte is kept as the character of its number.
std::string widened(std::string_view bytes) {
    std::string text;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x80) text += static_cast<char>(0xc0 | byte >> 6);
        text += static_cast<char>(byte < 0x80 ? byte : 0x80 | (byte & 0x3f));
    }
    return text;
}

std::string narrowed(std::string_view text) {
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto lead = static_cast<unsigned char>(text[i]);
        if (lead < 0x80) {
            bytes += text[i];
            continue;
        }
        if ((lead & 0xfcU) != 0xc0 || ++i == text.size()) throw std::invalid_argument("name");
        bytes +=
            static_cast<char>((lead & 3U) << 6 | (static_cast<unsigned char>(text[i]) & 0x3fU));
    }
    return bytes;
}

nlohmann::json to_json(const ProcessId& process) {
    return {{"pid", process.pid}, {"start_ticks", process.start_ticks}};
}

ProcessId process_from(const nlohmann::json& json) {
    return {json.at("pid").get<pid_t>(), json.at("start_ticks").get<std::uint64_t>()};
}

AttachState state_from(const nlohmann::json& json) {
    if (json.at("schema") != state_schema) throw std::invalid_argument("schema");
    AttachState state;
    const auto text = [&](const char* key) { return narrowed(json.at(key).get<std::string>()); };
    state.image = text("image");
    state.device = text("device");
    state.mountpoint = text("mountpoint");
    const auto* const known = std::find(through_names.begin(), through_names.end(),
                                        json.at("through").get<std::string>());
    if (known == through_names.end()) throw std::invalid_argument("through");
    state.through = static_cast<Through>(known - through_names.begin());
    state.read_only = json.at("read_only").get<bool>();
    state.server = process_from(json.at("server"));
    state.fuse = process_from(json.at("fuse"));
    return state;
}

std::string read_all(int fd) {
    constexpr std::size_t most_bytes = std::size_t{64} << 10;
    std::string text(most_bytes, '\0');
    const ssize_t got = ::pread(fd, text.data(), text.size(), 0);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
}

}  // namespace

const char* name_of(Through through) noexcept {
    return through_names.at(static_cast<std::size_t>(through));
}

bool ImageFolder::exists() const {
    return ::access(path_.c_str(), F_OK) == 0;
}

void ImageFolder::create() const {
    make_folder(path_);
    check_folder(path_);
    make_folder(fuse_mount());
}

void ImageFolder::save(const AttachState& state) const {
    const nlohmann::json json{{"schema", state_schema},
                              {"image", widened(state.image)},
                              {"device", widened(state.device)},
                              {"mountpoint", widened(state.mountpoint)},
                              {"through", name_of(state.through)},
                              {"read_only", state.read_only},
                              {"server", to_json(state.server)},
                              {"fuse", to_json(state.fuse)}};
    const std::string text = json.dump() + "\n";
    const std::string part = state_file() + ".new";
    ::unlink(part.c_str());
    const UniqueFd fd(::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        ::rename(part.c_str(), state_file().c_str()) != 0) {
        throw io_error({.file = state_file()}, "cannot write", errno);
    }
}

std::optional<AttachState> ImageFolder::load() const {
    struct stat info {};
    if (::lstat(path_.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || !is_only_ours(info)) {
        return std::nullopt;
    }
    const UniqueFd fd(::open(state_file().c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    if (!fd || ::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode) || !is_only_ours(info)) {
        return std::nullopt;
    }
    try {
        return state_from(nlohmann::json::parse(read_all(fd.get())));
    } catch (const std::exception&) {
        return std::nullopt;
    }
}

void ImageFolder::remove() const noexcept {
    for (const std::string& file : {state_file(), state_file() + ".new", socket(), control(),
                                    server_pid(), fuse_pid(), fuse_log()}) {
        ::unlink(file.c_str());
    }
    ::rmdir(fuse_mount().c_str());
    ::rmdir(path_.c_str());
}

RunDirectory::RunDirectory(const World& world, Missing missing) : path_(default_place(world)) {
    if (missing == Missing::accept && ::access(path_.c_str(), F_OK) != 0) return;
    make_folder(path_);
    check_folder(path_);
    path_ = std::filesystem::canonical(path_).string();
}

ImageFolder RunDirectory::folder_of(const std::string& image) const {
    struct stat info {};
    if (::stat(image.c_str(), &info) != 0) throw io_error({.file = image}, "cannot open", errno);
    if (S_ISBLK(info.st_mode)) return ImageFolder(fmt::format("{}/b{:x}", path_, info.st_rdev));
    return ImageFolder(fmt::format("{}/{:x}-{:x}", path_, info.st_dev, info.st_ino));
}

std::vector<ImageFolder> RunDirectory::folders() const {
    std::vector<std::string> paths;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(path_, error)) {
        if (entry.is_directory(error) && !entry.is_symlink(error)) paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    return {paths.begin(), paths.end()};
}

UniqueFd RunDirectory::lock(const ImageFolder& folder) const {
    const std::string path = folder.path() + ".lock";
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd || ::flock(fd.get(), LOCK_EX) != 0) {
        throw io_error({.file = path}, "cannot lock", errno);
    }
    return fd;
}

}  // namespace insitu::apps
