// SPDX-License-Identifier: GPL-2.0-or-later
#include <sys/stat.h>

#include <memory>

#include "mkfs/fat_image.hpp"
#include "mkfs/hash_ranges.hpp"
#include "mkfs/readers.hpp"

namespace insitu::apps {

namespace {

class FatReader {
  public:
    explicit FatReader(const std::string& file)
        : image_(std::make_shared<FatImage>(file)),
          bytes_(std::make_shared<ImageBytes>(file, ImageBytes::Mode::read)) {}

    FoundTree run() {
        constexpr mode_t usual = 0755;
        Entry top;
        top.mode = S_IFDIR | usual;
        collector_.add(std::move(top), 0);
        visit({}, image_->root());
        FoundTree found = collector_.finish();
        std::vector<std::uint64_t> sizes;
        for (const Entry& entry : found.tree.entries)
            sizes.push_back(entry.size_bytes);
        found.content_hash = [image = image_, bytes = bytes_, clusters = clusters_,
                              keys = found.inodes, sizes = std::move(sizes)](std::size_t i) {
            std::vector<PlacedRange> ranges;
            const std::uint64_t unit = image->cluster_bytes();
            for (const std::uint32_t cluster : image->chain(clusters.at(keys.at(i))))
                ranges.push_back({ranges.size() * unit, unit, image->byte_of(cluster)});
            return hash_ranges(*bytes, std::move(ranges), sizes.at(i));
        };
        return found;
    }

  private:
    void visit(const std::string& path, const std::vector<FatEntry>& names) {
        for (const FatEntry& name : names) {
            constexpr mode_t usual = 0755;
            Entry entry;
            entry.path = path.empty() ? name.name : path + "/" + name.name;
            entry.mode = (name.is_directory ? S_IFDIR : S_IFREG) | usual;
            entry.modified = name.modified;
            entry.size_bytes = name.is_directory ? 0 : name.size_bytes;
            const std::string below = entry.path;
            clusters_.push_back(name.first_cluster);
            collector_.add(std::move(entry), clusters_.size() - 1);
            if (name.is_directory) visit(below, image_->directory(name.first_cluster));
        }
    }

    std::shared_ptr<FatImage> image_;
    std::shared_ptr<ImageBytes> bytes_;
    TreeCollector collector_;
    std::vector<std::uint32_t> clusters_{0};  // first ones, by the numbers of entries
};

}  // namespace

FoundTree read_vfat(const std::string& file) {
    return FatReader(file).run();
}

}  // namespace insitu::apps
