// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/adapt.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>

#include "insitu/error.hpp"
#include "mkfs/fat_names.hpp"
#include "mkfs/xfs_attributes.hpp"

namespace insitu::apps {

namespace {

[[noreturn]] void refuse(const Entry& entry, const std::string& text) {
    throw Error(ErrorKind::refused, {.file = printable(entry.path)}, text,
                "leave it out with --exclude, or take another TYPE");
}

const char* kind_name(const Entry& entry) {
    if (entry.is(S_IFLNK)) return "a symbolic link";
    if (entry.is(S_IFCHR) || entry.is(S_IFBLK)) return "a device node";
    return entry.is(S_IFIFO) ? "a FIFO" : "a socket";
}

std::string year_of(std::int64_t second) {
    constexpr std::int64_t too_far = 60'000'000'000;
    if (second < -too_far || second > too_far) return "any time";
    return fmt::format("{:%Y}", fmt::gmtime(static_cast<std::time_t>(second)));
}

class Adapter {
  public:
    Adapter(Tree& tree, const std::string& type, const Holds& holds)
        : tree_(tree), type_(type), holds_(holds) {}

    std::vector<Loss> run() {
        if (type_ == "vfat") check_fat_names(tree_);
        if (type_ == "erofs") leave_lost_and_found();
        for (Entry& entry : tree_.entries) {
            check(entry);
            adapt_times(entry);
            adapt_attributes(entry);
            adapt_xattrs(entry);
        }
        if (!holds_.hard_links) part_links();
        std::vector<Loss> losses;
        for (auto& [text, loss] : losses_)
            losses.push_back(std::move(loss));
        return losses;
    }

  private:
    Loss& lose(const std::string& text, const Entry& entry) {
        Loss& loss = losses_[text];
        loss.text = text;
        if (loss.paths.empty() || loss.paths.back() != entry.path) loss.paths.push_back(entry.path);
        return loss;
    }

    // mkfs.erofs passes over names that begin so.
    void leave_lost_and_found() {
        const std::vector<std::vector<std::size_t>> children = children_of(tree_);
        for (std::size_t i = tree_.entries.size(); i-- > 1;) {
            const Entry& entry = tree_.entries[i];
            if (!entry.name().starts_with("lost+found")) continue;
            if (!entry.is(S_IFDIR) || !children[i].empty()) {
                refuse(entry,
                       "has a name that mkfs.erofs passes over: it begins with 'lost+found'");
            }
            lose("empty directories whose names begin with lost+found are left out", entry);
            tree_.entries.erase(tree_.entries.begin() + static_cast<std::ptrdiff_t>(i));
            for (Entry& other : tree_.entries) {
                if (other.link_to != no_entry && other.link_to > i) --other.link_to;
            }
        }
    }

    void check(const Entry& entry) const {
        if (entry.name().size() > holds_.longest_name) {
            refuse(entry, fmt::format("has a name of {} bytes: {} takes {}", entry.name().size(),
                                      type_, holds_.longest_name));
        }
        const bool plain = entry.is(S_IFREG) || entry.is(S_IFDIR);
        if (!plain && !holds_.special_files) {
            refuse(entry, fmt::format("is neither a file nor a directory: {} holds no {}", type_,
                                      kind_name(entry) + 2));
        }
        if (entry.is(S_IFSOCK) && !holds_.sockets) {
            refuse(entry, fmt::format("is a socket, and {} cannot be filled with one", type_));
        }
        if (entry.size_bytes > holds_.largest_file_bytes) {
            refuse(entry, fmt::format("has {} bytes: a file of {} has {} at most", entry.size_bytes,
                                      type_, holds_.largest_file_bytes));
        }
    }

    void adapt_times(Entry& entry) {
        // FAT has no inode for its top, so no times of it.
        if (type_ == "vfat" && entry.path.empty()) return;
        const std::int64_t nearest =
            std::clamp(entry.modified.seconds, holds_.oldest_second, holds_.newest_second);
        if (nearest != entry.modified.seconds) {
            const std::string text =
                fmt::format("times outside {} to {} become the nearest",
                            year_of(holds_.oldest_second), year_of(holds_.newest_second));
            lose(text, entry).by_itself = false;
            entry.modified = {nearest, 0};
        }
        constexpr std::uint32_t second_ns = 1'000'000'000;
        if (holds_.granularity_ns < second_ns) return;
        const std::int64_t unit = holds_.granularity_ns / second_ns;
        const std::int64_t part = ((entry.modified.seconds % unit) + unit) % unit;
        if (part == 0 && entry.modified.nanoseconds == 0) return;
        lose(unit == 1 ? "times are kept without fractions of a second"
                       : "times are kept in steps of two seconds",
             entry)
            .is_fraction = true;
        entry.modified = {entry.modified.seconds - part, 0};
    }

    void adapt_attributes(Entry& entry) {
        if (!holds_.owners && (entry.uid != 0 || entry.gid != 0)) {
            lose("owners are not kept", entry);
            entry.uid = entry.gid = 0;
        }
        if (holds_.modes) return;
        constexpr mode_t usual = 0755;
        constexpr mode_t special = 07022;
        constexpr mode_t needed = 0444;
        if ((entry.mode & special) != 0 || (entry.mode & needed) != needed) {
            lose("modes are not kept", entry);
        }
        entry.mode = (entry.mode & S_IFMT) | usual;
    }

    void adapt_xattrs(Entry& entry) {
        drop_shown_twice(entry);
        for (auto it = entry.xattrs.begin(); it != entry.xattrs.end();) {
            const std::string why_not = why_not_held(it->first);
            if (why_not.empty()) {
                check_xattr(entry, it->first, it->second);
                ++it;
                continue;
            }
            lose(why_not, entry);
            it = entry.xattrs.erase(it);
        }
    }

    // What Linux itself takes for an attribute: a tar may say more.
    static void check_xattr(const Entry& entry, const std::string& name, const std::string& value) {
        constexpr std::size_t longest_name = 255;
        constexpr std::size_t largest_value = 65536;
        if (name.find('.') + 1 == name.size() || name.size() > longest_name) {
            refuse(entry, fmt::format("has the extended attribute '{}': a name has up to {} bytes, "
                                      "and some after its first dot",
                                      printable(name), longest_name));
        }
        if (value.size() > largest_value) {
            refuse(entry, fmt::format("has the extended attribute {} of {} bytes: Linux knows none "
                                      "above {}",
                                      printable(name), value.size(), largest_value));
        }
    }

    // XFS shows an ACL once more, in its own form.
    static void drop_shown_twice(Entry& entry) {
        const auto drop = [&](const char* form, const char* acl) {
            if (entry.xattrs.contains(acl)) entry.xattrs.erase(form);
        };
        drop("trusted.SGI_ACL_FILE", "system.posix_acl_access");
        drop("trusted.SGI_ACL_DEFAULT", "system.posix_acl_default");
    }

    // Empty: it is held.
    std::string why_not_held(const std::string& name) const {
        const bool is_acl = name.starts_with("system.posix_acl_");
        const std::vector<std::string>& prefixes = holds_.xattr_prefixes;
        const bool held =
            is_acl ? holds_.acls
                   : std::any_of(prefixes.begin(), prefixes.end(), [&](const std::string& prefix) {
                         return name.starts_with(prefix);
                     });
        if (held && holds_.xattr_words && name.starts_with("trusted.SGI_ACL_")) {
            return "attributes in which XFS itself keeps ACLs are not kept";
        }
        if (held && holds_.xattr_words && !is_xfs_attribute_word(name)) {
            return "extended attributes whose names are no words of ASCII are not kept";
        }
        if (held) return {};
        if (is_acl) return "access control lists (system.posix_acl) are not kept";
        if (name == "security.capability") return "capabilities (security.capability) are not kept";
        const std::size_t dot = name.find('.');
        return dot == std::string::npos
                   ? "extended attributes whose names have no dot are not kept"
                   : fmt::format("extended attributes {}* are not kept", name.substr(0, dot + 1));
    }

    // Names of one file become files of their own.
    void part_links() {
        for (Entry& entry : tree_.entries) {
            if (entry.link_to != no_entry) {
                lose("hard links become files of their own", entry);
                entry.link_to = no_entry;
            }
            entry.names = 1;
        }
    }

    Tree& tree_;
    const std::string& type_;
    const Holds& holds_;
    std::map<std::string, Loss> losses_;
};

}  // namespace

std::vector<Loss> adapt_tree(Tree& tree, const std::string& type, const Holds& holds) {
    return Adapter(tree, type, holds).run();
}

}  // namespace insitu::apps
