// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/tar_reader.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>

#include "insitu/error.hpp"
#include "insitu/internal/store/unique_fd.hpp"
#include "insitu/units.hpp"
#include "mkfs/tar_header.hpp"
#include "mkfs/tar_stream.hpp"

namespace insitu::apps {

namespace {

[[noreturn]] void refuse(const std::string& place, const std::string& text,
                         const std::string& hint = {}) {
    throw Error(ErrorKind::refused, {.file = printable(place)}, text, hint);
}

// Without "./", slashes at the ends and doubled ones. The top is empty.
std::string clean_path(const std::string& name) {
    std::string path;
    for (std::size_t at = 0; at <= name.size();) {
        const std::size_t end = std::min(name.find('/', at), name.size());
        const std::string part = name.substr(at, end - at);
        at = end + 1;
        if (part.empty() || part == ".") continue;
        if (part == "..") refuse(name, "leads out of the tree", "make the tar without '..'");
        path += (path.empty() ? "" : "/") + part;
    }
    return path;
}

class TarReader {
  public:
    TarReader(int fd, std::string directory, const StopFlag* stop)
        : directory_(std::move(directory)), stream_(fd, stop), headers_(stream_) {}

    Tree run() {
        while (std::optional<TarMember> member = headers_.next())
            add(*member);
        if (members_ == 0) refuse(tar_place, "holds an empty tar");
        stream_.drain();
        return make_tree();
    }

  private:
    void add(TarMember& member) {
        ++members_;
        const std::string path = clean_path(member.name);
        if (member.is_hard_link) {
            if (member.stored_bytes != 0) refuse(member.name, "is a hard link with content");
            const std::string target = clean_path(member.link_name);
            // Some archives have a name twice, the second time as a link to itself.
            if (target != path || !entries_.contains(path)) add_link(path, target);
            return;
        }
        Entry& entry = member.entry;
        entry.path = path;
        if (path.empty() && !entry.is(S_IFDIR)) refuse(member.name, "is the top, but no directory");
        if (path.find('\0') != std::string::npos) refuse(member.name, "has a zero in its name");
        if (entry.is(S_IFLNK) && entry.link_target.empty()) {
            refuse(path, "is a symbolic link without a target");
        }
        if (entry.is(S_IFREG)) {
            save_content(member);
        } else {
            stream_.skip(padded(member.stored_bytes));
        }
        put(std::move(entry));
    }

    static std::uint64_t padded(std::uint64_t bytes) {
        constexpr std::uint64_t unit = 512;
        return ceil_div(bytes, unit) * unit;
    }

    void save_content(TarMember& member) {
        Entry& entry = member.entry;
        entry.content_path = fmt::format("{}/{}", directory_, members_);
        constexpr mode_t private_mode = 0600;
        const UniqueFd out(::open(entry.content_path.c_str(),
                                  O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, private_mode));
        if (!out) throw io_error({.file = entry.content_path}, "cannot create", errno);
        if (!member.is_sparse) member.ranges = {{0, entry.size_bytes}};
        std::uint64_t left = member.stored_bytes;
        std::uint64_t done = 0;
        for (const DataRange& range : member.ranges) {
            if (range.length_bytes == 0) continue;
            if (range.at_byte < done || range.at_byte > entry.size_bytes ||
                range.length_bytes > entry.size_bytes - range.at_byte ||
                range.length_bytes > left) {
                refuse(entry.path, "has a map of holes that contradicts its size");
            }
            copy_range(entry, out.get(), range);
            entry.data.push_back(range);
            left -= range.length_bytes;
            done = range.at_byte + range.length_bytes;
        }
        stream_.skip(padded(member.stored_bytes) - (member.stored_bytes - left));
        if (::ftruncate(out.get(), static_cast<off_t>(entry.size_bytes)) != 0) {
            throw io_error({.file = entry.content_path}, "cannot write", errno);
        }
    }

    void copy_range(const Entry& entry, int fd, const DataRange& range) {
        constexpr std::uint64_t piece_bytes = std::uint64_t{1} << 17;
        for (std::uint64_t done = 0; done < range.length_bytes;) {
            const std::string_view piece =
                stream_.read_some(std::min(piece_bytes, range.length_bytes - done));
            if (piece.empty()) refuse(entry.path, "the tar is cut off in the middle of it");
            for (std::size_t wrote = 0; wrote < piece.size();) {
                const ssize_t now = ::pwrite(fd, piece.data() + wrote, piece.size() - wrote,
                                             static_cast<off_t>(range.at_byte + done + wrote));
                if (now < 0 && errno == EINTR) continue;
                if (now <= 0) throw io_error({.file = entry.content_path}, "cannot write", errno);
                wrote += static_cast<std::size_t>(now);
            }
            done += piece.size();
        }
    }

    void add_link(const std::string& path, const std::string& target) {
        const auto found = entries_.find(target);
        if (found == entries_.end() || found->second.is(S_IFDIR)) {
            refuse(path, fmt::format("is a link to '{}', which is not a file before it in the tar",
                                     printable(target)));
        }
        const auto known = links_.find(target);
        Entry link = found->second;
        link.path = path;
        const std::string first = known == links_.end() ? target : known->second;
        put(std::move(link));
        links_[path] = first;
    }

    void put(Entry entry) {
        const auto found = entries_.find(entry.path);
        if (found != entries_.end() && found->second.is(S_IFDIR) != entry.is(S_IFDIR)) {
            refuse(entry.path, "is a directory and something else in the same tar");
        }
        if (found != entries_.end()) forget_link(entry.path);
        entries_[entry.path] = std::move(entry);
    }

    // A name that is replaced is no link any more; others that linked to it link to each other.
    void forget_link(const std::string& path) {
        links_.erase(path);
        std::string heir;
        for (auto& [name, first] : links_) {
            if (first != path) continue;
            if (heir.empty()) heir = name;
            first = heir;
        }
        if (!heir.empty()) links_.erase(heir);
    }

    // Directories that the tar does not name.
    void add_parents() {
        constexpr mode_t usual_mode = S_IFDIR | 0755;
        std::vector<std::string> missing;
        if (!entries_.contains("")) missing.emplace_back();
        for (const auto& [path, entry] : entries_) {
            for (std::string up = path; !up.empty();) {
                up = parent_path(up);
                const auto found = entries_.find(up);
                if (found == entries_.end()) {
                    missing.push_back(up);
                } else if (!found->second.is(S_IFDIR)) {
                    refuse(path, "is below something that is not a directory");
                }
            }
        }
        for (const std::string& path : missing) {
            Entry entry;
            entry.path = path;
            entry.mode = usual_mode;
            entries_.emplace(path, std::move(entry));
        }
    }

    Tree make_tree() {
        add_parents();
        Tree tree;
        std::map<std::string, std::size_t> firsts;
        for (auto& [path, entry] : entries_) {
            const auto link = links_.find(path);
            const std::string group = link == links_.end() ? path : link->second;
            const auto [first, is_new] = firsts.emplace(group, tree.entries.size());
            if (!is_new) {
                entry.link_to = first->second;
                ++tree.entries[first->second].names;
            }
            tree.entries.push_back(std::move(entry));
        }
        return tree;
    }

    std::string directory_;
    TarStream stream_;
    TarHeaders headers_;
    std::uint64_t members_ = 0;
    std::map<std::string, Entry, PathOrder> entries_;
    std::map<std::string, std::string> links_;  // name to the first name of its file
};

}  // namespace

Tree read_tar(int fd, const std::string& directory, const StopFlag* stop) {
    return TarReader(fd, directory, stop).run();
}

}  // namespace insitu::apps
