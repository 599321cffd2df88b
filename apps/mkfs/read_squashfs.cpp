// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <memory>

#include "common/sha256.hpp"
#include "insitu/units.hpp"
#include "mkfs/image_bytes.hpp"
#include "mkfs/readers.hpp"
#include "mkfs/squashfs_metadata.hpp"

namespace insitu::apps {

namespace {

constexpr std::uint32_t no_fragment = 0xffffffff;

// What is needed to read the content of a file.
struct SquashFile {
    std::uint64_t start = 0;
    std::uint64_t size_bytes = 0;
    std::uint32_t fragment = no_fragment;
    std::uint32_t fragment_offset = 0;
    std::vector<std::uint32_t> blocks;  // their sizes
};

std::string hash_file(const SquashfsImage& image, const SquashFile& file) {
    Sha256 sha256;
    const auto add = [&](const std::string& bytes) {
        sha256.add(std::as_bytes(std::span(bytes.data(), bytes.size())));
    };
    std::uint64_t at = file.start;
    std::uint64_t left = file.size_bytes;
    for (const std::uint32_t word : file.blocks) {
        const std::uint64_t now = std::min(left, image.block_bytes());
        constexpr std::uint32_t stored_mask = 0xffffff;
        if (word == 0) {
            sha256.add_zeros(now, nullptr);
        } else {
            add(part(image.data_block(at, word), 0, now));
        }
        at += word & stored_mask;
        left -= now;
    }
    if (left != 0) add(part(image.fragment(file.fragment), file.fragment_offset, left));
    return sha256.hex_digits();
}

class SquashfsReader {
  public:
    explicit SquashfsReader(const std::string& file)
        : image_(std::make_shared<SquashfsImage>(file)) {}

    FoundTree run() {
        visit({}, image_->root());
        FoundTree found = collector_.finish();
        found.content_hash = [image = image_, files = files_, keys = found.inodes](std::size_t i) {
            return hash_file(*image, files->at(keys.at(i)));
        };
        return found;
    }

  private:
    struct Place {  // of the names of a directory
        std::uint64_t start = 0;
        std::uint64_t offset = 0;
        std::uint64_t size_bytes = 0;
    };

    void visit(const std::string& path, std::uint64_t reference) {
        SquashfsCursor cursor = image_->inode(reference);
        const int type = static_cast<int>(cursor.take(2));
        Entry entry;
        entry.path = path;
        entry.mode = static_cast<mode_t>(cursor.take(2));
        entry.uid = image_->id(cursor.take(2));
        entry.gid = image_->id(cursor.take(2));
        entry.modified = {static_cast<std::int64_t>(cursor.take(4)), 0};
        const std::uint64_t number = cursor.take(4);
        const Place names = read_kind(entry, cursor, type, number);
        const bool is_directory = entry.is(S_IFDIR);
        collector_.add(std::move(entry), number);
        if (is_directory) visit_names(path, names);
    }

    // What is of its kind alone; the second seven types have extended attributes.
    Place read_kind(Entry& entry, SquashfsCursor& cursor, int type, std::uint64_t number) {
        constexpr int first_extended = 8;
        const bool extended = type >= first_extended;
        Place names;
        std::uint64_t xattrs = no_fragment;
        switch (extended ? type - 7 : type) {
            case 1:
                names = read_directory(entry, cursor, extended, xattrs);
                break;
            case 2:
                read_file(entry, cursor, extended, number, xattrs);
                break;
            case 3:
                entry.mode |= S_IFLNK;
                entry.names = static_cast<std::uint32_t>(cursor.take(4));
                entry.link_target = cursor.take_bytes(cursor.take(4));
                if (extended) xattrs = cursor.take(4);
                break;
            default:
                read_special(entry, cursor, extended ? type - 7 : type);
                if (extended) xattrs = cursor.take(4);
        }
        if (xattrs != no_fragment) image_->read_xattrs(entry.xattrs, xattrs);
        return names;
    }

    static Place read_directory(Entry& entry, SquashfsCursor& cursor, bool extended,
                                std::uint64_t& xattrs) {
        entry.mode |= S_IFDIR;
        Place names;
        if (!extended) {
            names.start = cursor.take(4);
            cursor.take(4);
            names.size_bytes = cursor.take(2);
            names.offset = cursor.take(2);
            return names;
        }
        cursor.take(4);
        names.size_bytes = cursor.take(4);
        names.start = cursor.take(4);
        cursor.take(4);
        cursor.take(2);
        names.offset = cursor.take(2);
        xattrs = cursor.take(4);
        return names;
    }

    void read_file(Entry& entry, SquashfsCursor& cursor, bool extended, std::uint64_t number,
                   std::uint64_t& xattrs) {
        entry.mode |= S_IFREG;
        SquashFile file;
        file.start = cursor.take(extended ? 8 : 4);
        if (extended) {
            file.size_bytes = cursor.take(8);
            cursor.take(8);
            entry.names = static_cast<std::uint32_t>(cursor.take(4));
        }
        file.fragment = static_cast<std::uint32_t>(cursor.take(4));
        file.fragment_offset = static_cast<std::uint32_t>(cursor.take(4));
        if (extended) {
            xattrs = cursor.take(4);
        } else {
            file.size_bytes = cursor.take(4);
        }
        entry.size_bytes = file.size_bytes;
        const std::uint64_t unit = image_->block_bytes();
        const std::uint64_t count =
            file.fragment == no_fragment ? ceil_div(file.size_bytes, unit) : file.size_bytes / unit;
        for (std::uint64_t i = 0; i < count; ++i)
            file.blocks.push_back(static_cast<std::uint32_t>(cursor.take(4)));
        (*files_)[number] = std::move(file);
    }

    static void read_special(Entry& entry, SquashfsCursor& cursor, int type) {
        constexpr std::array<mode_t, 4> kinds{S_IFBLK, S_IFCHR, S_IFIFO, S_IFSOCK};
        constexpr int first = 4;
        if (type < first || type > first + 3) bad_image("an inode is of an unknown kind");
        entry.mode |= kinds.at(static_cast<std::size_t>(type - first));
        entry.names = static_cast<std::uint32_t>(cursor.take(4));
        if (!entry.is(S_IFBLK) && !entry.is(S_IFCHR)) return;
        const std::uint64_t device = cursor.take(4);
        entry.device_major = static_cast<std::uint32_t>(device >> 8 & 0xfffU);
        entry.device_minor =
            static_cast<std::uint32_t>((device & 0xffU) | (device >> 12 & 0xfff00U));
    }

    void visit_names(const std::string& path, const Place& place) {
        constexpr std::uint64_t counted_more = 3;  // than there is, for "." and ".."
        if (place.size_bytes <= counted_more) return;
        SquashfsCursor cursor = image_->names(place.start, place.offset);
        for (std::uint64_t left = place.size_bytes - counted_more; left != 0;) {
            const std::uint64_t count = cursor.take(4) + 1;
            const std::uint64_t block = cursor.take(4);
            cursor.take(4);
            constexpr std::uint64_t header_bytes = 12;
            std::uint64_t used = header_bytes;
            for (std::uint64_t i = 0; i < count; ++i) {
                const std::uint64_t offset = cursor.take(2);
                cursor.take(4);
                const std::string name = cursor.take_bytes(cursor.take(2) + 1);
                used += 8 + name.size();
                visit(path.empty() ? name : fmt::format("{}/{}", path, name), block << 16 | offset);
            }
            if (used > left) bad_image("a directory is longer than it says");
            left -= used;
        }
    }

    std::shared_ptr<SquashfsImage> image_;
    std::shared_ptr<std::map<std::uint64_t, SquashFile>> files_ =
        std::make_shared<std::map<std::uint64_t, SquashFile>>();
    TreeCollector collector_;
};

}  // namespace

FoundTree read_squashfs(const std::string& file) {
    return SquashfsReader(file).run();
}

}  // namespace insitu::apps
