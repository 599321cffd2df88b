// SPDX-License-Identifier: GPL-2.0-or-later
#include "attach/process_id.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

#include "insitu/error.hpp"
#include "insitu/internal/store/unique_fd.hpp"

namespace insitu::apps {

namespace {

// Without /proc a server that runs would be taken for one that is gone.
void require_proc() {
    if (::access("/proc/self/stat", F_OK) == 0) return;
    throw Error(ErrorKind::refused, {.file = "/proc"},
                "is not mounted: whether a server runs cannot be known",
                "mount -t proc proc /proc");
}

}  // namespace

ProcessId identify(pid_t pid) {
    if (pid <= 0) return {};
    std::ifstream file(fmt::format("/proc/{}/stat", pid));
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    // The name of the program is in parentheses and may hold anything.
    const auto name_end = text.rfind(')');
    if (name_end == std::string::npos) {
        require_proc();
        return {};
    }
    std::istringstream fields(text.substr(name_end + 1));
    std::string field;
    constexpr int start_field = 20;  // of those behind the name; the first is the state
    for (int index = 0; index < start_field; ++index) {
        if (!(fields >> field)) return {};
        if (index == 0 && (field == "Z" || field == "X")) return {};
    }
    return {pid, std::strtoull(field.c_str(), nullptr, 10)};
}

ProcessId identify(const std::string& pid_file) {
    std::ifstream file(pid_file);
    pid_t pid = 0;
    return file >> pid ? identify(pid) : ProcessId{};
}

bool is_running(const ProcessId& process) {
    if (process.pid <= 0 || identify(process.pid) != process) return false;
    struct stat owner {};
    return ::stat(fmt::format("/proc/{}", process.pid).c_str(), &owner) == 0 &&
           (::geteuid() == 0 || owner.st_uid == ::geteuid());
}

bool send_signal(const ProcessId& process, int number) {
    if (process.pid <= 0) return false;
    // The descriptor stays with one process: what is looked at is what is signalled.
    const UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
    if (!fd || !is_running(process)) return false;
    return ::syscall(SYS_pidfd_send_signal, fd.get(), number, nullptr, 0) == 0;
}

bool wait_for_end(const ProcessId& process, std::chrono::milliseconds patience) {
    constexpr std::chrono::milliseconds step{10};
    for (auto waited = std::chrono::milliseconds{0}; is_running(process); waited += step) {
        if (waited > patience) return false;
        std::this_thread::sleep_for(step);
    }
    return true;
}

}  // namespace insitu::apps
