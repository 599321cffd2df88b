#include "mkfs/tar_reader.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <memory>

#include "insitu/error.hpp"
#include "insitu/store/unique_fd.hpp"
#include "mkfs/acl.hpp"

namespace insitu::apps {

namespace {

constexpr const char* stdin_name = "standard input";

struct FreeArchive {
    void operator()(struct archive* reader) const noexcept { ::archive_read_free(reader); }
};

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

// What the kernel calls the ACLs that a tar holds as text.
void add_acl(Entry& entry, struct archive_entry* member, int type, const char* name) {
    constexpr int access_entry = 0x1000;  // above the permissions
    static const std::map<int, std::uint16_t> tags{
        {ARCHIVE_ENTRY_ACL_USER_OBJ, 1},  {ARCHIVE_ENTRY_ACL_USER, 2},
        {ARCHIVE_ENTRY_ACL_GROUP_OBJ, 4}, {ARCHIVE_ENTRY_ACL_GROUP, 8},
        {ARCHIVE_ENTRY_ACL_MASK, 16},     {ARCHIVE_ENTRY_ACL_OTHER, 32}};
    std::vector<AclEntry> list;
    bool is_more_than_mode = type == ARCHIVE_ENTRY_ACL_TYPE_DEFAULT;
    if (::archive_entry_acl_reset(member, type) <= 0) return;
    int entry_type = 0;
    int permissions = access_entry;
    int tag = 0;
    int id = 0;
    const char* who = nullptr;
    while (::archive_entry_acl_next(member, type, &entry_type, &permissions, &tag, &id, &who) ==
           ARCHIVE_OK) {
        const auto known = tags.find(tag);
        if (known == tags.end()) continue;
        AclEntry one{known->second, static_cast<std::uint16_t>(permissions & 7)};
        if (tag == ARCHIVE_ENTRY_ACL_USER || tag == ARCHIVE_ENTRY_ACL_GROUP) {
            one.id = static_cast<std::uint32_t>(id);
            is_more_than_mode = true;
        }
        is_more_than_mode = is_more_than_mode || tag == ARCHIVE_ENTRY_ACL_MASK;
        list.push_back(one);
    }
    if (is_more_than_mode && !list.empty()) entry.xattrs[name] = acl_xattr(std::move(list));
}

void add_xattrs(Entry& entry, struct archive_entry* member) {
    ::archive_entry_xattr_reset(member);
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    while (::archive_entry_xattr_next(member, &name, &value, &size) == ARCHIVE_OK) {
        if (name == nullptr) continue;
        entry.xattrs[name] = std::string(static_cast<const char*>(value), size);
    }
    if (entry.is(S_IFLNK)) return;
    add_acl(entry, member, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, "system.posix_acl_access");
    if (entry.is(S_IFDIR)) {
        add_acl(entry, member, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, "system.posix_acl_default");
    }
}

class TarReader {
  public:
    TarReader(int fd, std::string directory, const StopFlag* stop)
        : fd_(fd), directory_(std::move(directory)), stop_(stop), reader_(::archive_read_new()) {
        struct archive* const reader = reader_.get();
        if (reader == nullptr) throw io_error({.file = stdin_name}, "cannot read", ENOMEM);
        ::archive_read_support_format_tar(reader);
        ::archive_read_support_filter_gzip(reader);
        ::archive_read_support_filter_bzip2(reader);
        ::archive_read_support_filter_xz(reader);
        ::archive_read_support_filter_lzma(reader);
        ::archive_read_support_filter_lz4(reader);
        ::archive_read_support_filter_zstd(reader);
    }

    Tree run() {
        if (::archive_read_open(reader_.get(), this, nullptr, &TarReader::read_more, nullptr) !=
            ARCHIVE_OK) {
            fail({});
        }
        struct archive_entry* member = nullptr;
        for (;;) {
            const int status = ::archive_read_next_header(reader_.get(), &member);
            check_stop();
            if (status == ARCHIVE_EOF) break;
            if (status != ARCHIVE_OK && status != ARCHIVE_WARN) fail({});
            if (status == ARCHIVE_WARN && ::archive_entry_pathname(member) == nullptr) fail({});
            add(member);
        }
        if (members_ == 0) refuse(stdin_name, "holds no tar, or an empty one");
        return make_tree();
    }

  private:
    // Bytes come through here, so that a failing read is heard and a stop ends the wait.
    static la_ssize_t read_more(struct archive* reader, void* self, const void** block) {
        auto& tar = *static_cast<TarReader*>(self);
        const ssize_t got = ::read(tar.fd_, tar.buffer_.data(), tar.buffer_.size());
        if (got < 0) ::archive_set_error(reader, errno, "cannot read the tar");
        *block = tar.buffer_.data();
        return got;
    }

    void check_stop() const {
        if (stop_ != nullptr && stop_->requested()) {
            throw Error(ErrorKind::cancelled, {}, "stopped before the end");
        }
    }

    [[noreturn]] void fail(const std::string& path) const {
        check_stop();
        const char* const said = ::archive_error_string(reader_.get());
        refuse(path.empty() ? stdin_name : path,
               fmt::format("cannot be read as a tar: {}", said == nullptr ? "no reason" : said),
               "a whole tar is expected, plain or by gzip, bzip2, xz, lz4 or zstd");
    }

    void add(struct archive_entry* member) {
        const char* const name = ::archive_entry_pathname(member);
        if (name == nullptr) refuse(stdin_name, "a member has no name");
        ++members_;
        const std::string path = clean_path(name);
        if (const char* const link = ::archive_entry_hardlink(member)) {
            const std::string target = clean_path(link);
            if (target != path) add_link(path, target);
            if (!::archive_entry_size_is_set(member) || ::archive_entry_size(member) == 0) return;
            refuse(name, "is a hard link with content of its own");
        }
        Entry entry = attributes(member, path);
        if (path.empty() && !entry.is(S_IFDIR)) refuse(name, "is no directory, but the top");
        if (entry.is(S_IFREG)) save_content(entry, member);
        put(std::move(entry));
    }

    static Entry attributes(struct archive_entry* member, const std::string& path) {
        Entry entry;
        entry.path = path;
        entry.mode = ::archive_entry_mode(member);
        entry.uid = static_cast<std::uint32_t>(::archive_entry_uid(member));
        entry.gid = static_cast<std::uint32_t>(::archive_entry_gid(member));
        entry.modified = {::archive_entry_mtime(member),
                          static_cast<std::uint32_t>(::archive_entry_mtime_nsec(member))};
        entry.accessed = entry.modified;
        entry.changed = entry.modified;
        if (entry.is(S_IFCHR) || entry.is(S_IFBLK)) {
            entry.device_major = static_cast<std::uint32_t>(::archive_entry_rdevmajor(member));
            entry.device_minor = static_cast<std::uint32_t>(::archive_entry_rdevminor(member));
        }
        if (entry.is(S_IFLNK)) {
            const char* const target = ::archive_entry_symlink(member);
            if (target == nullptr || *target == '\0') refuse(path, "is a link without a target");
            entry.link_target = target;
        }
        if ((entry.mode & S_IFMT) == 0) refuse(path, "is of a kind that no tree has");
        add_xattrs(entry, member);
        return entry;
    }

    void save_content(Entry& entry, struct archive_entry* member) {
        entry.size_bytes = static_cast<std::uint64_t>(::archive_entry_size(member));
        entry.content_path = fmt::format("{}/{}", directory_, members_);
        constexpr mode_t private_mode = 0600;
        const UniqueFd out(::open(entry.content_path.c_str(),
                                  O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, private_mode));
        if (!out) throw io_error({.file = entry.content_path}, "cannot create", errno);
        const void* block = nullptr;
        std::size_t size = 0;
        la_int64_t at = 0;
        int status = ARCHIVE_OK;
        while ((status = ::archive_read_data_block(reader_.get(), &block, &size, &at)) ==
               ARCHIVE_OK) {
            check_stop();
            write_block(entry, out.get(), static_cast<const char*>(block), size,
                        static_cast<std::uint64_t>(at));
        }
        if (status != ARCHIVE_EOF) fail(entry.path);
        if (::ftruncate(out.get(), static_cast<off_t>(entry.size_bytes)) != 0) {
            throw io_error({.file = entry.content_path}, "cannot write", errno);
        }
    }

    static void write_block(Entry& entry, int fd, const char* block, std::size_t size,
                            std::uint64_t at) {
        if (size == 0) return;
        if (!entry.data.empty() &&
            entry.data.back().at_byte + entry.data.back().length_bytes == at) {
            entry.data.back().length_bytes += size;
        } else {
            entry.data.push_back({at, size});
        }
        for (std::size_t done = 0; done < size;) {
            const ssize_t wrote =
                ::pwrite(fd, block + done, size - done, static_cast<off_t>(at + done));
            if (wrote < 0 && errno == EINTR) continue;
            if (wrote <= 0) throw io_error({.file = entry.content_path}, "cannot write", errno);
            done += static_cast<std::size_t>(wrote);
        }
    }

    void add_link(const std::string& path, const std::string& target) {
        const auto found = entries_.find(target);
        if (found == entries_.end() || found->second.is(S_IFDIR)) {
            refuse(path, fmt::format("is a link to '{}', which is no file before it in the tar",
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
        forget_link(entry.path);
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
                    refuse(path, "is below something that is no directory");
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

    int fd_;
    std::string directory_;
    const StopFlag* stop_;
    std::unique_ptr<struct archive, FreeArchive> reader_;
    std::array<char, std::size_t{1} << 17> buffer_{};
    std::uint64_t members_ = 0;
    std::map<std::string, Entry, PathOrder> entries_;
    std::map<std::string, std::string> links_;  // name to the first name of its file
};

}  // namespace

Tree read_tar(int fd, const std::string& directory, const StopFlag* stop) {
    return TarReader(fd, directory, stop).run();
}

}  // namespace insitu::apps
