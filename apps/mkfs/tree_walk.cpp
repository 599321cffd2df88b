// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/tree_walk.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <utility>

#include "common/process.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/engine/stop_check.hpp"
#include "insitu/internal/store/unique_fd.hpp"

namespace insitu::apps {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(const std::string& path, const char* what) {
    const int error = errno;
    throw io_error({.file = printable(path)}, what, error);
}

Timestamp timestamp_of(const struct timespec& time) {
    return {time.tv_sec, static_cast<std::uint32_t>(time.tv_nsec)};
}

std::string target_of_link(const std::string& path) {
    std::string target(PATH_MAX, '\0');
    const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
    if (length < 0) fail(path, "cannot read the link");
    target.resize(static_cast<std::size_t>(length));
    return target;
}

// One call that returns a size and may meet a value that grows meanwhile.
template <typename Call>
std::string sized(const std::string& path, Call call) {
    for (;;) {
        const ssize_t size = call(nullptr, 0);
        if (size <= 0) {
            if (size < 0 && errno != ENOTSUP) fail(path, "cannot read the extended attributes");
            return {};
        }
        std::string value(static_cast<std::size_t>(size), '\0');
        const ssize_t got = call(value.data(), value.size());
        if (got >= 0) return value.resize(static_cast<std::size_t>(got)), value;
        if (errno != ERANGE) fail(path, "cannot read the extended attributes");
    }
}

// `list` and `get` are llistxattr and lgetxattr. What the entry has already stays.
template <typename List, typename Get>
void read_xattrs(Entry& entry, const std::string& path, List list, Get get) {
    const std::string names = sized(path, [&](char* buffer, std::size_t size) {
        return static_cast<ssize_t>(list(path.c_str(), buffer, size));
    });
    for (std::size_t at = 0; at < names.size();) {
        const std::string name = names.c_str() + at;
        at += name.size() + 1;
        if (entry.xattrs.contains(name)) continue;
        entry.xattrs[name] = sized(path, [&](char* buffer, std::size_t size) {
            return static_cast<ssize_t>(get(path.c_str(), name.c_str(), buffer, size));
        });
    }
}

void read_xattrs(Entry& entry, const std::string& path) {
    read_xattrs(entry, path, ::llistxattr, ::lgetxattr);
    if (!below_fakeroot()) return;
    // fakeroot shows what was set below it and nothing of what files really have.
    read_xattrs(
        entry, path,
        [](const char* file, char* buffer, std::size_t size) {
            return ::syscall(SYS_llistxattr, file, buffer, size);
        },
        [](const char* file, const char* name, char* buffer, std::size_t size) {
            return ::syscall(SYS_lgetxattr, file, name, buffer, size);
        });
}

class Walker {
  public:
    Walker(std::string root, const std::function<bool(const std::string&)>& left_out,
           const StopFlag* stop)
        : root_(std::move(root)), left_out_(left_out), stop_(stop) {}

    Tree run() {
        tree_.directory = root_;
        visit({});
        return std::move(tree_);
    }

  private:
    void visit(const std::string& path) {
        throw_if_stopped(stop_);
        const std::string full = path.empty() ? root_ : root_ + "/" + path;
        struct stat status {};
        if (::lstat(full.c_str(), &status) != 0) fail(full, "cannot look at");
        if (path.empty()) device_ = status.st_dev;
        if (status.st_dev != device_) tree_.has_mounts = true;
        add(path, full, status);
        if (S_ISDIR(status.st_mode)) visit_entries(path, full);
    }

    void visit_entries(const std::string& path, const std::string& full) {
        std::vector<std::string> names;
        std::error_code failed;
        for (fs::directory_iterator it(full, failed), end; !failed && it != end;
             it.increment(failed)) {
            names.push_back(it->path().filename());
        }
        if (failed) throw io_error({.file = printable(full)}, "cannot read", failed.value());
        std::sort(names.begin(), names.end());
        for (const std::string& name : names) {
            const std::string below = path.empty() ? name : fmt::format("{}/{}", path, name);
            if (!left_out_ || !left_out_(below)) visit(below);
        }
    }

    void add(const std::string& path, const std::string& full, const struct stat& status) {
        Entry entry;
        entry.path = path;
        entry.mode = status.st_mode;
        entry.uid = status.st_uid;
        entry.gid = status.st_gid;
        entry.modified = timestamp_of(status.st_mtim);
        entry.accessed = timestamp_of(status.st_atim);
        entry.changed = timestamp_of(status.st_ctim);
        read_xattrs(entry, full);
        if (S_ISLNK(status.st_mode)) entry.link_target = target_of_link(full);
        if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) {
            entry.device_major = major(status.st_rdev);
            entry.device_minor = minor(status.st_rdev);
        }
        if (S_ISREG(status.st_mode)) read_file(entry, full, status);
        if (!S_ISDIR(status.st_mode) && status.st_nlink > 1) find_link(entry, status);
        tree_.entries.push_back(std::move(entry));
    }

    static void read_file(Entry& entry, const std::string& full, const struct stat& status) {
        entry.size_bytes = static_cast<std::uint64_t>(status.st_size);
        entry.content_path = full;
        const UniqueFd fd(::open(full.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
        if (!fd) fail(full, "cannot open");
        constexpr std::uint64_t unit_bytes = 512;
        const bool dense =
            static_cast<std::uint64_t>(status.st_blocks) * unit_bytes >= entry.size_bytes;
        if (!dense) {
            entry.data = data_ranges(fd.get(), entry.size_bytes);
        } else if (entry.size_bytes != 0) {
            entry.data = {{0, entry.size_bytes}};
        }
    }

    void find_link(Entry& entry, const struct stat& status) {
        const auto [known, is_new] =
            inodes_.emplace(std::pair(status.st_dev, status.st_ino), tree_.entries.size());
        if (is_new) return;
        entry.link_to = known->second;
        ++tree_.entries[known->second].names;
    }

    std::string root_;
    const std::function<bool(const std::string&)>& left_out_;
    const StopFlag* stop_;
    Tree tree_;
    dev_t device_ = 0;  // of the top
    std::map<std::pair<dev_t, ino_t>, std::size_t> inodes_;
};

}  // namespace

std::vector<DataRange> data_ranges(int fd, std::uint64_t size_bytes) {
    std::vector<DataRange> ranges;
    const auto size = static_cast<off_t>(size_bytes);
    for (off_t at = 0; at < size;) {
        const off_t data = ::lseek(fd, at, SEEK_DATA);
        if (data < 0 && errno == ENXIO) break;
        if (data < 0) return {{0, size_bytes}};  // a file system that knows no holes
        off_t hole = ::lseek(fd, data, SEEK_HOLE);
        if (hole < 0 || hole > size) hole = size;
        if (data >= size) break;
        ranges.push_back(
            {static_cast<std::uint64_t>(data), static_cast<std::uint64_t>(hole - data)});
        at = hole;
    }
    return ranges;
}

Tree walk_directory(const std::string& directory,
                    const std::function<bool(const std::string&)>& left_out, const StopFlag* stop) {
    const std::unique_ptr<char, void (*)(void*)> root(::realpath(directory.c_str(), nullptr),
                                                      std::free);
    if (!root) fail(directory, "cannot find");
    return Walker(root.get(), left_out, stop).run();
}

}  // namespace insitu::apps
