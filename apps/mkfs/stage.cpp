// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/stage.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <fstream>
#include <vector>

#include "common/process.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/engine/stop_check.hpp"
#include "insitu/internal/store/unique_fd.hpp"
#include "mkfs/sparse_units.hpp"

namespace insitu::apps {

namespace {

class Stager {
  public:
    Stager(Tree& tree, std::string directory, std::string scratch, StageOptions options,
           const StopFlag* stop)
        : tree_(tree),
          directory_(std::move(directory)),
          scratch_(std::move(scratch)),
          options_(options),
          stop_(stop) {}

    void run() {
        for (std::size_t i = 1; i < tree_.entries.size(); ++i)
            create(tree_.entries[i]);
        // What a directory holds comes before it: its own times change while it is filled.
        for (std::size_t i = tree_.entries.size(); i-- > 0;)
            finish(tree_.entries[i]);
        tree_.directory = directory_;
        tree_.is_squeezed = options_.holes == StageHoles::squeeze;
    }

  private:
    std::string place_of(const Entry& entry) const {
        return entry.path.empty() ? directory_ : directory_ + "/" + entry.path;
    }

    static void check(bool done, const Entry& entry, const char* what) {
        if (!done) throw io_error({.file = printable(entry.path)}, what, errno);
    }

    void create(Entry& entry) {
        throw_if_stopped(stop_);
        const std::string place = place_of(entry);
        constexpr mode_t private_directory = 0700;
        constexpr mode_t private_file = 0600;
        if (entry.link_to != no_entry) {
            Entry& first = tree_.entries[entry.link_to];
            check(::link(place_of(first).c_str(), place.c_str()) == 0, entry, "cannot link");
            entry.content_path = first.content_path;
        } else if (entry.is(S_IFDIR)) {
            check(::mkdir(place.c_str(), private_directory) == 0, entry, "cannot make");
        } else if (entry.is(S_IFLNK)) {
            check(::symlink(entry.link_target.c_str(), place.c_str()) == 0, entry, "cannot make");
        } else if (entry.is(S_IFREG)) {
            create_file(entry, place);
        } else {
            const dev_t device = ::makedev(entry.device_major, entry.device_minor);
            check(::mknod(place.c_str(), (entry.mode & S_IFMT) | private_file, device) == 0, entry,
                  "cannot make");
        }
    }

    bool squeezes(const Entry& entry) const {
        return options_.holes == StageHoles::squeeze && has_empty_unit(entry);
    }

    static std::vector<DataRange> unit_ranges(const Entry& entry) {
        std::vector<DataRange> ranges;
        for (const std::uint64_t unit : data_units(entry)) {
            const std::uint64_t at = unit * sparse_unit_bytes;
            ranges.push_back({at, std::min(sparse_unit_bytes, entry.size_bytes - at)});
        }
        return ranges;
    }

    void create_file(Entry& entry, const std::string& place) const {
        if (squeezes(entry)) {
            copy_file(entry, place, unit_ranges(entry));
            return;
        }
        if (entry.content_path.starts_with(scratch_ + "/")) {
            check(::rename(entry.content_path.c_str(), place.c_str()) == 0, entry, "cannot move");
        } else {
            copy_file(entry, place, entry.data);
        }
        entry.content_path = place;
    }

    // Copies parts of its content, to where they are in it or, squeezed, one behind the other.
    void copy_file(const Entry& entry, const std::string& place,
                   const std::vector<DataRange>& ranges) const {
        const bool together = squeezes(entry);
        constexpr mode_t private_file = 0600;
        const UniqueFd from(::open(entry.content_path.c_str(), O_RDONLY | O_CLOEXEC));
        check(bool(from), entry, "cannot open");
        const UniqueFd to(
            ::open(place.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, private_file));
        check(bool(to), entry, "cannot make");
        check(together || ::ftruncate(to.get(), static_cast<off_t>(entry.size_bytes)) == 0, entry,
              "cannot copy");
        std::vector<char> buffer(std::size_t{1} << 20);
        std::uint64_t end = 0;
        for (const DataRange& range : ranges) {
            for (std::uint64_t done = 0; done < range.length_bytes;) {
                const std::uint64_t want =
                    std::min<std::uint64_t>(buffer.size(), range.length_bytes - done);
                const auto at = static_cast<off_t>(range.at_byte + done);
                const off_t into = together ? static_cast<off_t>(end) : at;
                const ssize_t got = ::pread(from.get(), buffer.data(), want, at);
                if (got < 0 && errno == EINTR) continue;
                if (got == 0) errno = EIO;
                check(got > 0, entry, "cannot read");
                const auto size = static_cast<std::size_t>(got);
                check(::pwrite(to.get(), buffer.data(), size, into) == got, entry, "cannot copy");
                done += size;
                end += size;
            }
        }
    }

    // Many a file system has room for a few KiB of them beside a file, and says that it is full.
    [[noreturn]] void refuse_xattr(const Entry& entry, const std::string& name,
                                   std::size_t size_bytes) const {
        const int error = errno;
        if (error != ENOSPC) {
            throw io_error({.file = printable(entry.path)}, "cannot set its extended attributes",
                           error);
        }
        throw Error(ErrorKind::io, {.file = printable(entry.path)},
                    fmt::format("the file system of {} has no room for its extended attribute {} "
                                "of {} bytes",
                                directory_, printable(name), size_bytes),
                    "write the image to an XFS or btrfs, or take another TYPE", ENOSPC);
    }

    void finish(const Entry& entry) const {
        if (entry.link_to != no_entry) return;
        const std::string place = place_of(entry);
        if (options_.owners == StageOwners::yes) {
            check(::lchown(place.c_str(), entry.uid, entry.gid) == 0, entry,
                  "cannot set its owner");
        }
        constexpr mode_t all_bits = 07777;
        if (!entry.is(S_IFLNK)) {
            check(::chmod(place.c_str(), entry.mode & all_bits) == 0, entry, "cannot set its mode");
        }
        for (const auto& [name, value] : entry.xattrs) {
            const int failed =
                ::lsetxattr(place.c_str(), name.c_str(), value.data(), value.size(), 0);
            if (failed != 0) refuse_xattr(entry, name, value.size());
        }
        const auto time = [](const Timestamp& stamp) {
            return timespec{static_cast<time_t>(stamp.seconds),
                            static_cast<long>(stamp.nanoseconds)};
        };
        constexpr std::int64_t day = 86400;
        const std::int64_t accessed = std::max<std::int64_t>(now_, entry.modified.seconds) + day;
        const timespec times[2] = {{static_cast<time_t>(accessed), 0}, time(entry.modified)};
        check(::utimensat(AT_FDCWD, place.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0, entry,
              "cannot set its times");
    }

    Tree& tree_;
    std::string directory_;
    std::string scratch_;
    StageOptions options_;
    const StopFlag* stop_;
    // mksquashfs takes two names for two links if the time of access changes between them, so it
    // must be one that reading does not change: later than all others.
    std::int64_t now_ = ::time(nullptr);
};

}  // namespace

bool can_stage_owners() {
    if (::geteuid() != 0) return false;
    if (below_fakeroot()) return true;
    // The root of a user namespace has some of the owners and makes no device nodes.
    std::ifstream map("/proc/self/uid_map");
    std::uint64_t first = 0;
    std::uint64_t outside = 0;
    std::uint64_t count = 0;
    if (!(map >> first >> outside >> count)) return true;
    constexpr std::uint64_t all = 0xffffffff;
    return first == 0 && outside == 0 && count == all;
}

bool can_stage_without_root(const Tree& tree) {
    const uid_t user = ::geteuid();
    const gid_t group = ::getegid();
    return std::all_of(tree.entries.begin(), tree.entries.end(), [&](const Entry& entry) {
        const bool attributes =
            std::all_of(entry.xattrs.begin(), entry.xattrs.end(), [](const auto& xattr) {
                return xattr.first.starts_with("user.") || xattr.first.starts_with("system.");
            });
        return attributes && entry.uid == user && entry.gid == group && !entry.is(S_IFCHR) &&
               !entry.is(S_IFBLK);
    });
}

void stage_tree(Tree& tree, const std::string& directory, const std::string& scratch,
                StageOptions options, const StopFlag* stop) {
    Stager(tree, directory, scratch, options, stop).run();
}

}  // namespace insitu::apps
