// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/btrfs_holes.hpp"

#include <fmt/format.h>

#include "mkfs/sparse_units.hpp"

namespace insitu::apps {

namespace {

constexpr int inode_item = 1;
constexpr int file_extent_item = 108;
constexpr int extent_item = 168;
constexpr int data_reference = 178;
constexpr std::size_t size_at = 16;  // in an inode item

class Spreader {
  public:
    Spreader(const BtrfsImage& image, const std::map<std::uint64_t, const Entry*>& files)
        : image_(image) {
        for (const auto& [inode, entry] : files)
            units_[inode] = {data_units(*entry), entry->size_bytes};
    }

    void run() const {
        image_.for_each_leaf([this](std::string& leaf, const std::vector<BtrfsItem>& items) {
            bool changed = false;
            for (const BtrfsItem& item : items)
                changed = move(leaf, item) || changed;
            return changed;
        });
        image_.for_each_extent_leaf([this](std::string& leaf, const std::vector<BtrfsItem>& items) {
            bool changed = false;
            for (const BtrfsItem& item : items)
                changed = move_reference(leaf, item) || changed;
            return changed;
        });
    }

  private:
    struct File {
        std::vector<std::uint64_t> units;
        std::uint64_t size_bytes = 0;
    };

    // Where what is at `offset` of the squeezed file belongs; `length` of it must not go on behind
    // its unit.
    static std::uint64_t place_of(const File& file, std::uint64_t offset, std::uint64_t length) {
        const std::uint64_t in_unit = offset % sparse_unit_bytes;
        const std::uint64_t unit = offset / sparse_unit_bytes;
        if (unit >= file.units.size() || in_unit + length > sparse_unit_bytes) {
            bad_image(fmt::format("an extent at {} of a file was not expected", offset));
        }
        return file.units[unit] * sparse_unit_bytes + in_unit;
    }

    bool move(std::string& leaf, const BtrfsItem& item) const {
        const auto file = units_.find(item.key.object);
        if (file == units_.end()) return false;
        if (item.key.type == inode_item) {
            put_little(leaf, item.at + size_at, 8, file->second.size_bytes);
            return true;
        }
        if (item.key.type != file_extent_item) return false;
        constexpr std::size_t kind_at = 20;
        constexpr std::size_t length_at = 45;
        if (little(leaf, item.at + kind_at, 1) == 0) {
            bad_image("a file with holes lies in its inode");
        }
        const std::uint64_t length = little(leaf, item.at + length_at, 8);
        put_little(leaf, item.key_at + btrfs_key_offset_at, 8,
                   place_of(file->second, item.key.offset, length));
        return true;
    }

    // An extent names the file that it belongs to, and its place in it.
    bool move_reference(std::string& leaf, const BtrfsItem& item) const {
        if (item.key.type == data_reference && units_.contains(little(leaf, item.at + 8, 8))) {
            bad_image("an extent of a file with holes has several owners");
        }
        constexpr std::size_t header_bytes = 24;
        constexpr std::size_t reference_bytes = 29;
        if (item.key.type != extent_item || item.length != header_bytes + reference_bytes ||
            little(leaf, item.at + header_bytes, 1) != data_reference) {
            return false;
        }
        const std::size_t at = item.at + header_bytes + 1;
        const auto file = units_.find(little(leaf, at + 8, 8));
        if (little(leaf, at, 8) != btrfs_files_tree || file == units_.end()) return false;
        put_little(leaf, at + 16, 8, place_of(file->second, little(leaf, at + 16, 8), 0));
        return true;
    }

    const BtrfsImage& image_;
    std::map<std::uint64_t, File> units_;
};

}  // namespace

void spread_btrfs_files(const BtrfsImage& image,
                        const std::map<std::uint64_t, const Entry*>& files) {
    Spreader(image, files).run();
}

}  // namespace insitu::apps
