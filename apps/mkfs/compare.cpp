// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/compare.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include "mkfs/acl.hpp"

namespace insitu::apps {

namespace {

std::string comparable(const std::string& name, const std::string& value) {
    return name.starts_with("system.posix_acl_") ? normal_acl(value) : value;
}

std::string time_text(const Timestamp& time) {
    return fmt::format("{}.{:09}", time.seconds, time.nanoseconds);
}

class Comparer {
  public:
    Comparer(const Tree& wanted, const Tree& found, const Holds& holds)
        : wanted_(wanted), found_(found), holds_(holds) {}

    Comparison run() {
        std::size_t b = 0;
        for (std::size_t a = 0; a < wanted_.entries.size(); ++a) {
            const std::string& path = wanted_.entries[a].path;
            for (; b < found_.entries.size() && path_before(found_.entries[b].path, path); ++b)
                is_extra(found_.entries[b].path);
            if (b < found_.entries.size() && found_.entries[b].path == path) {
                compare(wanted_.entries[a], found_.entries[b++]);
            } else {
                differs(path, "is missing in the file system");
            }
        }
        for (; b < found_.entries.size(); ++b)
            is_extra(found_.entries[b].path);
        return result_;
    }

  private:
    void is_extra(const std::string& path) {
        if (!path.empty() && path == holds_.own_entry) return;
        differs(path, "is in the file system and not in the tree");
    }

    void differs(const std::string& path, const std::string& text) {
        constexpr std::size_t most_lines = 1000;
        const std::string name = path.empty() ? "the top of the tree" : printable(path);
        if (result_.lines.size() < most_lines) result_.lines.push_back(name + ": " + text);
        if (result_.differences++ != 0) return;
        result_.first_path = name;
        result_.first_text = text;
    }

    template <typename Value>
    void same(const Entry& entry, const char* what, const Value& wanted, const Value& found) {
        if (wanted == found) return;
        differs(entry.path,
                fmt::format("{}: {} in the tree, {} in the file system", what, wanted, found));
    }

    void compare(const Entry& wanted, const Entry& found) {
        constexpr mode_t all_bits = 07777;
        same(wanted, "kind", fmt::format("{:o}", wanted.mode & S_IFMT),
             fmt::format("{:o}", found.mode & S_IFMT));
        if (wanted.is(S_IFMT & found.mode) && wanted.is(S_IFREG)) {
            same(wanted, "size", wanted.size_bytes, found.size_bytes);
        }
        if (wanted.is(S_IFLNK)) {
            same(wanted, "link target", printable(wanted.link_target),
                 printable(found.link_target));
        } else if (holds_.modes) {
            same(wanted, "mode", fmt::format("{:o}", wanted.mode & all_bits),
                 fmt::format("{:o}", found.mode & all_bits));
        }
        if (holds_.owners) {
            same(wanted, "owner", wanted.uid, found.uid);
            same(wanted, "group", wanted.gid, found.gid);
        }
        if (wanted.is(S_IFCHR) || wanted.is(S_IFBLK)) {
            same(wanted, "device major", wanted.device_major, found.device_major);
            same(wanted, "device minor", wanted.device_minor, found.device_minor);
        }
        if (!(wanted.path.empty() && !holds_.special_files)) {
            same(wanted, "time", time_text(wanted.modified), time_text(found.modified));
        }
        compare_xattrs(wanted, found);
        compare_links(wanted, found);
    }

    void compare_xattrs(const Entry& wanted, const Entry& found) {
        for (const auto& [name, value] : wanted.xattrs) {
            const auto other = found.xattrs.find(name);
            if (other == found.xattrs.end()) {
                differs(wanted.path, "extended attribute " + printable(name) + " is missing");
            } else if (comparable(name, other->second) != comparable(name, value)) {
                differs(wanted.path, "extended attribute " + printable(name) + " differs");
            }
        }
        for (const auto& [name, value] : found.xattrs) {
            if (wanted.xattrs.contains(name)) continue;
            differs(wanted.path,
                    "extended attribute " + printable(name) + " is in the file system only");
        }
    }

    // The same names must be links to each other; an entry that is alone has one name.
    void compare_links(const Entry& wanted, const Entry& found) {
        const auto first = [](const Tree& tree, const Entry& entry) {
            return entry.link_to == no_entry ? std::string() : tree.entries[entry.link_to].path;
        };
        same(wanted, "is the same file as", printable(first(wanted_, wanted)),
             printable(first(found_, found)));
        if (wanted.link_to == no_entry && !wanted.is(S_IFDIR)) {
            same(wanted, "names", wanted.names, found.names);
        }
    }

    const Tree& wanted_;
    const Tree& found_;
    const Holds& holds_;
    Comparison result_;
};

}  // namespace

Comparison compare_trees(const Tree& wanted, const Tree& found, const Holds& holds) {
    return Comparer(wanted, found, holds).run();
}

}  // namespace insitu::apps
