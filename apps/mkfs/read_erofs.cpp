// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <memory>

#include "insitu/units.hpp"
#include "mkfs/hash_ranges.hpp"
#include "mkfs/readers.hpp"

namespace insitu::apps {

namespace {

constexpr std::uint64_t super_at = 1024;
constexpr std::uint64_t slot_bytes = 32;  // of an inode's number

struct ErofsInode {
    std::uint64_t at_byte = 0;
    std::uint64_t bytes = 0;  // without what follows it
    std::uint64_t xattr_bytes = 0;
    int layout = 0;
    mode_t mode = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint32_t links = 0;
    std::uint64_t size_bytes = 0;
    std::uint32_t u = 0;  // a block, a device, or the shape of chunks
    Timestamp modified;
};

class ErofsImage {
  public:
    explicit ErofsImage(const std::string& file) : bytes_(file, ImageBytes::Mode::read) {
        super_ = bytes_.read(super_at, 128);
        constexpr std::uint64_t magic = 0xe0f5e1e2;
        if (little(super_, 0, 4) != magic) bad_image("it has no super block of EROFS");
        block_bits_ = static_cast<int>(little(super_, 12, 1));
    }

    std::uint64_t root() const { return little(super_, 14, 2); }
    const ImageBytes& bytes() const noexcept { return bytes_; }

    ErofsInode inode(std::uint64_t number) const {
        ErofsInode inode;
        inode.at_byte = (little(super_, 40, 4) << block_bits_) + number * slot_bytes;
        const std::string raw = bytes_.read(inode.at_byte, slot_bytes);
        const std::uint64_t format = little(raw, 0, 2);
        inode.layout = static_cast<int>(format >> 1 & 7U);
        const std::uint64_t xattr_count = little(raw, 2, 2);
        inode.xattr_bytes = xattr_count == 0 ? 0 : 12 + 4 * (xattr_count - 1);
        inode.mode = static_cast<mode_t>(little(raw, 4, 2));
        inode.u = static_cast<std::uint32_t>(little(raw, 16, 4));
        if ((format & 1U) == 0) {
            inode.bytes = slot_bytes;
            inode.links = static_cast<std::uint32_t>(little(raw, 6, 2));
            inode.size_bytes = little(raw, 8, 4);
            inode.uid = static_cast<std::uint32_t>(little(raw, 24, 2));
            inode.gid = static_cast<std::uint32_t>(little(raw, 26, 2));
            inode.modified = {static_cast<std::int64_t>(little(super_, 24, 8)),
                              static_cast<std::uint32_t>(little(super_, 32, 4))};
            return inode;
        }
        const std::string more = bytes_.read(inode.at_byte, 2 * slot_bytes);
        inode.bytes = 2 * slot_bytes;
        inode.size_bytes = little(more, 8, 8);
        inode.uid = static_cast<std::uint32_t>(little(more, 24, 4));
        inode.gid = static_cast<std::uint32_t>(little(more, 28, 4));
        inode.modified = {static_cast<std::int64_t>(little(more, 32, 8)),
                          static_cast<std::uint32_t>(little(more, 40, 4))};
        inode.links = static_cast<std::uint32_t>(little(more, 44, 4));
        return inode;
    }

    // Where the content is. Nothing for a compressed file.
    std::optional<std::vector<PlacedRange>> ranges(const ErofsInode& inode) const {
        constexpr int plain = 0;
        constexpr int with_tail = 2;
        constexpr int in_chunks = 4;
        const std::uint64_t block = std::uint64_t{1} << block_bits_;
        const std::uint64_t start = std::uint64_t{inode.u} << block_bits_;
        if (inode.layout == plain) return {{{0, inode.size_bytes, start}}};
        const std::uint64_t behind = inode.at_byte + inode.bytes + inode.xattr_bytes;
        if (inode.layout == with_tail) {
            const std::uint64_t whole = inode.size_bytes / block * block;
            std::vector<PlacedRange> list;
            if (whole != 0) list.push_back({0, whole, start});
            list.push_back({whole, inode.size_bytes - whole, behind});
            return list;
        }
        if (inode.layout == in_chunks) return chunk_ranges(inode, behind);
        return std::nullopt;
    }

    std::string content(const ErofsInode& inode) const {
        const auto placed = ranges(inode);
        if (!placed) bad_image("a directory or a link is compressed");
        std::string text;
        for (const PlacedRange& range : *placed)
            text += bytes_.read(range.image_byte, range.length_bytes);
        return text;
    }

    void read_xattrs(Entry& entry, const ErofsInode& inode) const {
        if (inode.xattr_bytes == 0) return;
        constexpr std::size_t header_bytes = 12;
        const std::string area = bytes_.read(inode.at_byte + inode.bytes, inode.xattr_bytes);
        const std::uint64_t shared = little(area, 4, 1);
        for (std::uint64_t i = 0; i < shared; ++i) {
            const std::uint64_t at =
                (little(super_, 44, 4) << block_bits_) + 4 * little(area, header_bytes + 4 * i, 4);
            const std::string head = bytes_.read(at, 4);
            add_xattr(entry, bytes_.read(at, 4 + little(head, 0, 1) + little(head, 2, 2)), 0);
        }
        for (std::size_t at = header_bytes + 4 * shared; at + 4 <= area.size();)
            at = add_xattr(entry, area, at);
    }

  private:
    std::vector<PlacedRange> chunk_ranges(const ErofsInode& inode, std::uint64_t behind) const {
        constexpr std::uint32_t bits_mask = 0x1f;
        constexpr std::uint32_t has_indexes = 0x20;
        constexpr std::uint64_t hole = 0xffffffff;
        const std::uint64_t chunk = std::uint64_t{1}
                                    << (block_bits_ + static_cast<int>(inode.u & bits_mask));
        const bool indexes = (inode.u & has_indexes) != 0;
        const std::uint64_t unit = indexes ? 8 : 4;
        const std::uint64_t count = ceil_div(inode.size_bytes, chunk);
        const std::string table = bytes_.read(ceil_div(behind, unit) * unit, count * unit);
        std::vector<PlacedRange> list;
        for (std::uint64_t i = 0; i < count; ++i) {
            const std::uint64_t block = little(table, i * unit + (indexes ? 4 : 0), 4);
            if (block == hole) continue;
            const std::uint64_t length = std::min(chunk, inode.size_bytes - i * chunk);
            list.push_back({i * chunk, length, block << block_bits_});
        }
        return list;
    }

    // Returns where the next one begins.
    static std::size_t add_xattr(Entry& entry, const std::string& bytes, std::size_t at) {
        static constexpr std::array prefixes{
            "", "user.",    "system.posix_acl_access", "system.posix_acl_default", "trusted.",
            "", "security."};
        const std::uint64_t name_length = little(bytes, at, 1);
        const std::uint64_t index = little(bytes, at + 1, 1);
        const std::uint64_t value_length = little(bytes, at + 2, 2);
        const std::string name = part(bytes, at + 4, name_length);
        if (index >= prefixes.size()) bad_image("an extended attribute has an unknown prefix");
        entry.xattrs[prefixes.at(index) + name] = part(bytes, at + 4 + name_length, value_length);
        constexpr std::size_t unit = 4;
        return at + ceil_div(4 + name_length + value_length, unit) * unit;
    }

    ImageBytes bytes_;
    std::string super_;
    int block_bits_ = 0;

  public:
    std::uint64_t block_bytes() const noexcept { return std::uint64_t{1} << block_bits_; }
};

struct Name {
    std::string name;
    std::uint64_t inode = 0;
};

// The names in one block of a directory, without "." and "..".
void add_names(std::vector<Name>& names, const std::string& block) {
    constexpr std::size_t entry_bytes = 12;
    const std::size_t count = little(block, 8, 2) / entry_bytes;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t at = little(block, i * entry_bytes + 8, 2);
        const std::size_t end =
            i + 1 < count ? little(block, (i + 1) * entry_bytes + 8, 2) : block.size();
        if (end < at) bad_image("a directory has a name of less than nothing");
        std::string name = part(block, at, end - at);
        name.resize(std::min(name.find('\0'), name.size()));
        if (name != "." && name != "..") names.push_back({name, little(block, i * entry_bytes, 8)});
    }
}

class ErofsReader {
  public:
    explicit ErofsReader(const std::string& file) : image_(std::make_shared<ErofsImage>(file)) {}

    FoundTree run() {
        visit({}, image_->root());
        FoundTree found = collector_.finish();
        found.content_hash = [image = image_, keys = found.inodes](std::size_t i) {
            const ErofsInode inode = image->inode(keys.at(i));
            auto ranges = image->ranges(inode);
            return ranges ? hash_ranges(image->bytes(), std::move(*ranges), inode.size_bytes)
                          : std::string();
        };
        return found;
    }

  private:
    void visit(const std::string& path, std::uint64_t number) {
        const ErofsInode inode = image_->inode(number);
        Entry entry;
        entry.path = path;
        entry.mode = inode.mode;
        entry.uid = inode.uid;
        entry.gid = inode.gid;
        entry.names = inode.links;
        entry.modified = inode.modified;
        image_->read_xattrs(entry, inode);
        if (entry.is(S_IFREG)) entry.size_bytes = inode.size_bytes;
        if (entry.is(S_IFLNK)) entry.link_target = image_->content(inode);
        if (entry.is(S_IFCHR) || entry.is(S_IFBLK)) {
            entry.device_major = inode.u >> 8 & 0xfffU;
            entry.device_minor = (inode.u & 0xffU) | (inode.u >> 12 & 0xfff00U);
        }
        const bool is_directory = entry.is(S_IFDIR);
        collector_.add(std::move(entry), number);
        if (!is_directory) return;
        const std::string content = image_->content(inode);
        std::vector<Name> names;
        for (std::size_t at = 0; at < content.size(); at += image_->block_bytes())
            add_names(names, content.substr(at, image_->block_bytes()));
        for (const Name& name : names)
            visit(path.empty() ? name.name : path + "/" + name.name, name.inode);
    }

    std::shared_ptr<ErofsImage> image_;
    TreeCollector collector_;
};

}  // namespace

FoundTree read_erofs(const std::string& file) {
    return ErofsReader(file).run();
}

}  // namespace insitu::apps
