#include "store/loop_users.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>

#include "insitu/error.hpp"
#include "insitu/store/unique_fd.hpp"

namespace insitu {

namespace {

namespace fs = std::filesystem;

bool backed_by(const fs::path& sys, const struct stat& file) {
    std::ifstream link(sys / "loop/backing_file");
    std::string path;
    struct stat status {};
    return std::getline(link, path) && ::stat(path.c_str(), &status) == 0 &&
           status.st_dev == file.st_dev && status.st_ino == file.st_ino;
}

// The kernel answers for every kind of holder; who may not open the device sees the stacked ones.
bool is_held(const fs::path& sys, const std::string& device) {
    const UniqueFd fd(::open(device.c_str(), O_RDONLY | O_EXCL | O_CLOEXEC));
    if (fd) return false;
    if (errno == EBUSY) return true;
    std::error_code failed;
    return fs::directory_iterator(sys / "holders", failed) != fs::directory_iterator();
}

std::optional<std::string> busy_loop_over(const struct stat& file) {
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator("/sys/block", failed)) {
        const std::string name = entry.path().filename().string();
        if (!name.starts_with("loop") || !backed_by(entry.path(), file)) continue;
        const std::string device = "/dev/" + name;
        if (is_held(entry.path(), device)) return device;
    }
    return std::nullopt;
}

}  // namespace

void refuse_busy_loop(int fd, const std::string& path) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) throw io_error({.file = path}, "cannot stat", errno);
    const auto device = busy_loop_over(status);
    if (!device) return;
    throw Error(
        ErrorKind::refused, {.file = path},
        fmt::format("is in use through {} (mounted, swap, or held by another program)", *device),
        "unmount or release it first; lsblk shows who holds it");
}

}  // namespace insitu
