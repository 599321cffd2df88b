// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/scratch.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>

#include "common/process.hpp"
#include "common/temporary_file.hpp"
#include "insitu/error.hpp"
#include "insitu/open_store.hpp"

namespace insitu::apps {

namespace fs = std::filesystem;

namespace {

constexpr std::array stop_signals{SIGINT, SIGTERM, SIGHUP};
std::array<struct sigaction, stop_signals.size()> earlier_actions{};
std::array<char, 4096> doomed_directory{};
std::atomic<int> signals_seen{0};

// An unpacked tree may hold directories that even their owner may not write to.
void remove_directory(const fs::path& directory) {
    std::error_code ignored;
    for (fs::recursive_directory_iterator it(directory, ignored), end; !ignored && it != end;
         it.increment(ignored)) {
        std::error_code failed;
        if (!it->is_symlink(failed) && it->is_directory(failed)) {
            fs::permissions(it->path(), fs::perms::owner_all, fs::perm_options::add, failed);
        }
    }
    fs::remove_all(directory, ignored);
}

// Runs in a signal handler: a second signal ends the tool at once, but not what it would leave.
void end_at_once() {
    signal_children(SIGKILL);
    const pid_t child = ::fork();
    if (child == 0) {
        ::execl("/bin/sh", "sh", "-c", "chmod -R u+rwX -- \"$1\"; rm -rf -- \"$1\"", "sh",
                doomed_directory.data(), static_cast<char*>(nullptr));
        ::_exit(1);
    }
    int status = 0;
    while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
}

extern "C" void on_signal(int number) {
    const int saved_errno = errno;
    if (signals_seen.fetch_add(1) > 0) end_at_once();
    for (std::size_t i = 0; i < stop_signals.size(); ++i) {
        if (stop_signals.at(i) == number && earlier_actions.at(i).sa_handler != SIG_DFL &&
            earlier_actions.at(i).sa_handler != SIG_IGN) {
            earlier_actions.at(i).sa_handler(number);
        }
    }
    errno = saved_errno;
}

void watch_signals(const std::string& directory) {
    if (directory.size() >= doomed_directory.size()) return;
    doomed_directory.fill('\0');
    std::copy(directory.begin(), directory.end(), doomed_directory.begin());
    for (std::size_t i = 0; i < stop_signals.size(); ++i) {
        ::sigaction(stop_signals.at(i), nullptr, &earlier_actions.at(i));
        if (earlier_actions.at(i).sa_handler == SIG_IGN) continue;
        struct sigaction action {};
        action.sa_handler = on_signal;
        ::sigaction(stop_signals.at(i), &action, nullptr);
    }
}

void unwatch_signals() {
    for (std::size_t i = 0; i < stop_signals.size(); ++i)
        ::sigaction(stop_signals.at(i), &earlier_actions.at(i), nullptr);
}

// Locked while its run lives. Nothing, and errno, if it is not ours, or somebody's.
UniqueFd lock_directory(const fs::path& directory) {
    UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat status {};
    constexpr mode_t others = 077;
    const bool ours = fd && ::fstat(fd.get(), &status) == 0 &&
                      (status.st_uid == ::geteuid() || below_fakeroot()) &&
                      (status.st_mode & others) == 0;
    if (!ours || ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return {};
    struct stat named {};
    const bool there = ::lstat(directory.c_str(), &named) == 0 && named.st_ino == status.st_ino &&
                       named.st_dev == status.st_dev;
    if (!there) errno = ENOENT;
    return there ? std::move(fd) : UniqueFd();
}

// What runs that were killed have left.
void sweep(const fs::path& parent, const std::string& prefix, std::size_t name_length) {
    std::error_code failed;
    for (fs::directory_iterator it(parent, failed), end; !failed && it != end;
         it.increment(failed)) {
        const std::string name = it->path().filename();
        if (name.size() != name_length || !name.starts_with(prefix)) continue;
        if (const UniqueFd lock = lock_directory(it->path())) remove_directory(it->path());
    }
}

}  // namespace

Scratch::Scratch(const std::string& target) {
    fs::path parent = fs::absolute(target).parent_path();
    if (target == "-" || node_kind(target) == NodeKind::block_device ||
        node_kind(target) == NodeKind::remote) {
        parent = fs::absolute(temporary_directory("/var/tmp"));
    }
    const std::string prefix = fmt::format(".{}.mkfs-", fs::path(target).filename().string());
    constexpr const char* wildcards = "XXXXXX";
    sweep(parent, prefix, prefix.size() + 6);
    // A run for the same target may sweep it before it is locked.
    for (int attempt = 0; !lock_; ++attempt) {
        std::string pattern = parent / (prefix + wildcards);
        if (::mkdtemp(pattern.data()) == nullptr) {
            throw io_error({.file = parent}, "cannot create a temporary directory", errno);
        }
        directory_ = pattern;
        lock_ = lock_directory(directory_);
        if (lock_) break;
        const int reason = errno;
        ::rmdir(directory_.c_str());
        constexpr int attempts = 100;
        const bool is_swept = reason == ENOENT || reason == EWOULDBLOCK;
        if (!is_swept || attempt == attempts) {
            throw io_error({.file = directory_}, "cannot lock", reason);
        }
    }
    watch_signals(directory_);
}

Scratch::~Scratch() {
    remove_directory(directory_);
    // That takes descriptors, which an empty one needs not.
    ::rmdir(directory_.c_str());
    unwatch_signals();
}

}  // namespace insitu::apps
