// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>

#include "common/sha256.hpp"
#include "insitu/error.hpp"
#include "insitu/open_store.hpp"
#include "mkfs/ext_handle.hpp"
#include "mkfs/image_bytes.hpp"
#include "mkfs/read_channel.hpp"
#include "mkfs/readers.hpp"

namespace insitu::apps {

namespace {

constexpr std::size_t piece_bytes = std::size_t{1} << 20;

Timestamp time_of(std::uint32_t seconds, std::uint32_t extra) {
    return {static_cast<std::int32_t>(seconds) + (std::int64_t{extra & 3U} << 32), extra >> 2};
}

// By a channel, which waits for no disk.
struct ExtFile {
    explicit ExtFile(const std::string& file)
        : store(open_store(file, Access::read)),
          channel(store->size_bytes(),
                  [this](std::uint64_t at_byte, std::span<std::byte> output) {
                      store->read_at(at_byte, output);
                  }),
          handle(file, ExtHandle::Mode::read, ReadChannel::manager()) {}

    std::unique_ptr<Store> store;
    ReadChannel channel;
    ExtHandle handle;
};

class ExtReader {
  public:
    explicit ExtReader(const std::string& file) : fs_(std::make_shared<ExtFile>(file)) {}

    FoundTree run() {
        visit({}, EXT2_ROOT_INO);
        FoundTree found = collector_.finish();
        found.content_hash = [fs = fs_, keys = found.inodes](std::size_t i) {
            return hash(fs->handle, static_cast<ext2_ino_t>(keys.at(i)));
        };
        return found;
    }

  private:
    struct Name {
        std::string name;
        ext2_ino_t inode;
    };

    void visit(const std::string& path, ext2_ino_t number) {
        struct ext2_inode_large inode {};
        check_ext(
            ::ext2fs_read_inode_full(fs_->handle.get(), number,
                                     reinterpret_cast<struct ext2_inode*>(&inode), sizeof inode),
            path, "cannot read its inode back");
        Entry entry = attributes(path, inode);
        if (entry.is(S_IFLNK)) entry.link_target = target_of(path, number, inode);
        read_xattrs(entry, number);
        const bool is_directory = entry.is(S_IFDIR);
        collector_.add(std::move(entry), number);
        if (!is_directory) return;
        for (const Name& below : names_of(path, number)) {
            visit(path.empty() ? below.name : path + "/" + below.name, below.inode);
        }
    }

    Entry attributes(const std::string& path, const struct ext2_inode_large& inode) const {
        const bool large = EXT2_INODE_SIZE(fs_->handle->super) > EXT2_GOOD_OLD_INODE_SIZE;
        Entry entry;
        entry.path = path;
        entry.mode = inode.i_mode;
        entry.uid = inode.i_uid | std::uint32_t{inode.osd2.linux2.l_i_uid_high} << 16;
        entry.gid = inode.i_gid | std::uint32_t{inode.osd2.linux2.l_i_gid_high} << 16;
        entry.modified = time_of(inode.i_mtime, large ? inode.i_mtime_extra : 0);
        entry.names = inode.i_links_count;
        if (entry.is(S_IFREG)) {
            entry.size_bytes = inode.i_size | std::uint64_t{inode.i_size_high} << 32;
        }
        if (entry.is(S_IFCHR) || entry.is(S_IFBLK)) {
            const std::uint32_t old_form = inode.i_block[0];
            const std::uint32_t new_form = inode.i_block[1];
            entry.device_major = old_form != 0 ? old_form >> 8 & 0xffU : new_form >> 8 & 0xfffU;
            entry.device_minor =
                old_form != 0 ? old_form & 0xffU : (new_form & 0xffU) | (new_form >> 12 & 0xfff00U);
        }
        return entry;
    }

    std::string target_of(const std::string& path, ext2_ino_t number,
                          struct ext2_inode_large& inode) const {
        auto* const plain = reinterpret_cast<struct ext2_inode*>(&inode);
        if (::ext2fs_is_fast_symlink(plain) != 0) {
            return {reinterpret_cast<const char*>(inode.i_block), inode.i_size};
        }
        blk64_t block = 0;
        check_ext(::ext2fs_bmap2(fs_->handle.get(), number, plain, nullptr, 0, 0, nullptr, &block),
                  path, "cannot read its target back");
        std::string bytes(fs_->handle->blocksize, '\0');
        check_ext(::io_channel_read_blk64(fs_->handle->io, block, 1, bytes.data()), path,
                  "cannot read its target back");
        return part(bytes, 0, inode.i_size);
    }

    void read_xattrs(Entry& entry, ext2_ino_t number) const {
        struct ext2_xattr_handle* handle = nullptr;
        check_ext(::ext2fs_xattrs_open(fs_->handle.get(), number, &handle), entry.path,
                  "cannot read its extended attributes back");
        errcode_t code = ::ext2fs_xattrs_read(handle);
        struct Reading {
            struct ext2_xattr_handle* handle;
            Entry* entry;
        } reading{handle, &entry};
        if (code == 0) {
            code = ::ext2fs_xattrs_iterate(
                handle,
                [](char* name, char*, std::size_t, void* data) {
                    // The callback's value is in the form of the disk; get() converts it.
                    auto& into = *static_cast<Reading*>(data);
                    void* value = nullptr;
                    std::size_t size = 0;
                    if (::ext2fs_xattr_get(into.handle, name, &value, &size) == 0) {
                        into.entry->xattrs[name] = {static_cast<char*>(value), size};
                        ::ext2fs_free_mem(&value);
                    }
                    return 0;
                },
                &reading);
        }
        ::ext2fs_xattrs_close(&handle);
        check_ext(code, entry.path, "cannot read its extended attributes back");
    }

    std::vector<Name> names_of(const std::string& path, ext2_ino_t number) const {
        std::vector<Name> names;
        check_ext(
            ::ext2fs_dir_iterate2(
                fs_->handle.get(), number, 0, nullptr,
                [](ext2_ino_t, int, struct ext2_dir_entry* entry, int, int, char*, void* data) {
                    const auto length = static_cast<std::size_t>(::ext2fs_dirent_name_len(entry));
                    const std::string name(entry->name, length);
                    if (name != "." && name != "..") {
                        static_cast<std::vector<Name>*>(data)->push_back({name, entry->inode});
                    }
                    return 0;
                },
                &names),
            path, "cannot read it back");
        return names;
    }

    static std::string hash(const ExtHandle& fs, ext2_ino_t number) {
        ext2_file_t file = nullptr;
        const std::string place = fmt::format("inode {}", number);
        check_ext(::ext2fs_file_open(fs.get(), number, 0, &file), place, "cannot open");
        const std::unique_ptr<struct ext2_file, errcode_t (*)(ext2_file_t)> closer(
            file, ::ext2fs_file_close);
        Sha256 sha256;
        std::vector<char> buffer(piece_bytes);
        for (unsigned got = 1; got != 0;) {
            check_ext(::ext2fs_file_read(file, buffer.data(), piece_bytes, &got), place,
                      "cannot read");
            sha256.add(std::as_bytes(std::span(buffer.data(), got)));
        }
        return sha256.hex_digits();
    }

    std::shared_ptr<ExtFile> fs_;
    TreeCollector collector_;
};

}  // namespace

FoundTree read_ext(const std::string& file) {
    return ExtReader(file).run();
}

}  // namespace insitu::apps
