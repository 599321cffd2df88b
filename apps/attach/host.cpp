// SPDX-License-Identifier: GPL-2.0-or-later
#include "attach/host.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "common/printable.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/store/unique_fd.hpp"

namespace insitu::apps {

void require_views_of_the_kernel() {
    const auto require = [](const char* directory, const char* known, const char* hint) {
        if (::access(known, F_OK) == 0) return;
        throw Error(ErrorKind::refused, {.file = directory},
                    "is not mounted: what is attached, and in use, cannot be known", hint);
    };
    require("/proc", "/proc/self/stat", "mount -t proc proc /proc");
    require("/sys", "/sys/block", "mount -t sysfs sysfs /sys");
}

std::string unescape_octal(const std::string& text) {
    constexpr std::size_t digits = 3;
    constexpr int octal = 8;
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::string code = text[i] == '\\' ? text.substr(i + 1, digits) : "";
        if (code.size() == digits && code.find_first_not_of("01234567") == std::string::npos) {
            result += static_cast<char>(std::stoi(code, nullptr, octal));
            i += digits;
        } else {
            result += text[i];
        }
    }
    return result;
}

std::vector<Mount> all_mounts() {
    std::vector<Mount> mounts;
    std::ifstream file("/proc/self/mountinfo");
    for (std::string line; std::getline(file, line);) {
        std::istringstream fields(line);
        std::string skipped;
        std::string point;
        fields >> skipped >> skipped >> skipped >> skipped >> point;
        // Optional fields end with a dash; the type and the source follow.
        while (fields >> skipped && skipped != "-") {
        }
        std::string source;
        if (fields >> skipped >> source)
            mounts.push_back({unescape_octal(source), unescape_octal(point)});
    }
    return mounts;
}

bool is_part_of(const std::string& device, const std::string& whole) {
    if (whole.empty() || !device.starts_with(whole)) return false;
    const std::string rest = device.substr(whole.size());
    return rest.empty() || (rest.size() > 1 && rest[0] == 'p' &&
                            rest.find_first_not_of("0123456789", 1) == std::string::npos);
}

std::vector<std::string> mount_points_of(const std::vector<std::string>& devices) {
    std::vector<std::string> points;
    for (const Mount& mount : all_mounts()) {
        const auto is_source = [&](const std::string& device) {
            return is_part_of(mount.source, device);
        };
        if (std::any_of(devices.begin(), devices.end(), is_source)) points.push_back(mount.point);
    }
    std::reverse(points.begin(), points.end());
    return points;
}

bool is_mount_point(const std::string& directory) {
    const auto mounts = all_mounts();
    return std::any_of(mounts.begin(), mounts.end(),
                       [&](const Mount& mount) { return mount.point == directory; });
}

std::string first_line_of(const std::string& file) {
    std::ifstream input(file);
    std::string line;
    std::getline(input, line);
    return line;
}

std::vector<std::string> loop_devices_over(const std::string& file) {
    std::vector<std::string> devices;
    std::error_code error;
    for (const auto& block : std::filesystem::directory_iterator("/sys/block", error)) {
        const std::string name = block.path().filename();
        if (!name.starts_with("loop")) continue;
        const std::string backing = first_line_of(block.path().string() + "/loop/backing_file");
        if (backing == file || backing == file + " (deleted)") devices.push_back("/dev/" + name);
    }
    return devices;
}

bool is_held(const std::string& device) {
    const UniqueFd fd(::open(device.c_str(), O_RDONLY | O_EXCL | O_CLOEXEC));
    return !fd && errno == EBUSY;
}

std::string real_name(const std::string& path) {
    std::error_code error;
    const auto real = std::filesystem::weakly_canonical(std::filesystem::absolute(path), error);
    return error ? path : real.string();
}

bool wait_until(const std::function<bool()>& condition, std::chrono::milliseconds patience) {
    constexpr std::chrono::milliseconds step{5};
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(step);
    }
    return true;
}

std::string run_or_throw(const Command& command, const std::string& file, const StopFlag* stop) {
    CommandResult result = run_command(command, stop);
    while (result.output.ends_with('\n'))
        result.output.pop_back();
    if (result.done()) return result.output;
    // What it calls an error is why, or what it says last.
    std::string reason = result.output;
    if (const auto hint = reason.find("\n       dmesg"); hint != std::string::npos) {
        reason.erase(hint);
    }
    const std::string word = ": error: ";
    if (const auto error = reason.find(word); error != std::string::npos) {
        reason.erase(0, error + word.size());
        reason.resize(std::min(reason.find('\n'), reason.size()));
    } else if (const auto line = reason.rfind('\n'); line != std::string::npos) {
        reason.erase(0, line + 1);
    }
    if (reason.empty()) {
        reason = fmt::format("{} ended with status {}", command.arguments.front(), result.status);
    }
    throw Error(ErrorKind::refused, {.file = file}, printable(reason));
}

CommandResult unmount(const std::string& point, const std::vector<std::string>& options) {
    Command command{{"umount", "-i"}};
    command.arguments.insert(command.arguments.end(), options.begin(), options.end());
    command.arguments.push_back(point);
    return run_command(command, nullptr);
}

}  // namespace insitu::apps
