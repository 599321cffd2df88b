// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>

#include "insitu/error.hpp"
#include "insitu/units.hpp"
#include "mkfs/builder.hpp"
#include "mkfs/fat_image.hpp"
#include "mkfs/fat_names.hpp"

namespace insitu::apps {

namespace {

constexpr std::uint64_t slot_bytes = 32;
constexpr std::uint64_t least_16 = 4087;  // clusters
constexpr std::uint64_t least_32 = 65529;

class FatBuilder {
  public:
    explicit FatBuilder(Builder& builder)
        : builder_(builder),
          request_(builder.request()),
          tree_(builder.tree()),
          children_(children_of(tree_)) {}

    void build() {
        if (request_.size_bytes) {
            make_empty(*request_.size_bytes);
            if (widens_root()) make_empty(*request_.size_bytes);
        } else {
            make_smallest();
        }
        if (!tree_.empty() && !request_.sizes_only) fill();
    }

  private:
    void make_empty(std::uint64_t size_bytes) {
        builder_.make_sparse(size_bytes);
        Arguments list{"mkfs.vfat"};
        // The driver's devices have such sectors.
        if (option_value(request_.options, "-S").empty()) append(list, {"-S", "4096"});
        if (!request_.uuid.empty()) append(list, {"-i", request_.uuid.substr(0, 8)});
        if (!request_.label.empty()) append(list, {"-n", request_.label});
        if (root_names_ != 0) append(list, {"-r", fmt::format("{}", root_names_)});
        append(list, request_.options);
        list.push_back(builder_.file());
        builder_.run_or_refuse({list, epoch_variable()});
    }

    std::vector<std::string> epoch_variable() const {
        if (!request_.epoch) return {};
        return {fmt::format("SOURCE_DATE_EPOCH={}", *request_.epoch)};
    }

    // A name takes a slot and one more for each 13 units of its long form.
    std::uint64_t slots_of(std::size_t directory) const {
        constexpr std::uint64_t units_a_slot = 13;
        std::uint64_t slots = 2;
        for (const std::size_t child : children_[directory])
            slots += 1 + ceil_div(utf16_of(tree_.entries[child]).size(), units_a_slot);
        return slots;
    }

    std::uint64_t clusters_needed(std::uint32_t cluster_bytes, bool root_takes_clusters) const {
        std::uint64_t clusters = 0;
        for (std::size_t i = 0; i < tree_.entries.size(); ++i) {
            const Entry& entry = tree_.entries[i];
            if (entry.is(S_IFREG)) {
                clusters += ceil_div(entry.size_bytes, cluster_bytes);
            } else if (i != 0 || root_takes_clusters) {
                clusters += ceil_div(slots_of(i) * slot_bytes, cluster_bytes);
            }
        }
        return clusters;
    }

    // Fewer clusters than this make another FAT of it than the one that was asked for.
    std::uint64_t least_clusters() const {
        const std::string bits = option_value(request_.options, "-F");
        if (bits == "32") return least_32;
        return bits == "16" ? least_16 : 0;
    }

    std::uint64_t least_bytes() const {
        const auto number = [&](const char* option, std::uint64_t usual) {
            const std::string text = option_value(request_.options, option);
            std::uint64_t value = usual;
            std::from_chars(text.data(), text.data() + text.size(), value);
            return value;
        };
        // mkfs.vfat likes larger clusters for FAT 16.
        constexpr std::uint64_t sectors_16 = 4;
        const std::uint64_t sectors = number("-s", least_clusters() <= least_16 ? sectors_16 : 1);
        return least_clusters() * std::min<std::uint64_t>(sectors, 128) *
               std::min<std::uint64_t>(number("-S", block_bytes), 65536);
    }

    // Empty file systems take next to no time. One has the size of clusters and the names at the
    // top, the next one the right size, unless these change with it; mkfs.vfat leaves out what is
    // no whole track.
    void make_smallest() {
        constexpr std::uint32_t usual_cluster = 4096;
        std::uint64_t size_bytes =
            std::max(clusters_needed(usual_cluster, true) * usual_cluster, least_bytes()) +
            request_.free_bytes + 2 * mib;
        constexpr int attempts = 8;
        for (int i = 0; i < attempts; ++i) {
            size_bytes = ceil_div(size_bytes, block_bytes) * block_bytes;
            make_empty(size_bytes);
            if (widens_root()) continue;
            const FatImage fat(builder_.file());
            const std::uint64_t unit = fat.cluster_bytes();
            const std::uint64_t wanted = std::max(
                least_clusters(), clusters_needed(fat.cluster_bytes(), fat.root_names() == 0) +
                                      ceil_div(request_.free_bytes, unit));
            if (fat.clusters() >= wanted) return;
            size_bytes += (wanted - fat.clusters()) * unit + size_bytes / 512;
        }
        throw Error(ErrorKind::refused, {.file = "mkfs.vfat"},
                    "no size was found that holds the tree with these options", "give a SIZE");
    }

    // FAT 12 and 16 have a fixed number of names at the top. True: it has to be made again with
    // more of them.
    bool widens_root() {
        if (tree_.empty()) return false;
        const FatImage fat(builder_.file());
        const std::uint64_t slots = slots_of(0);
        if (fat.root_names() == 0 || slots <= fat.root_names() ||
            !option_value(request_.options, "-r").empty()) {
            return false;
        }
        constexpr std::uint64_t unit = 128;  // of a sector
        constexpr std::uint64_t most = 32767 / unit * unit;
        if (slots > most) {
            throw Error(ErrorKind::refused, {.file = "the top of the tree"},
                        fmt::format("its names take {} entries: FAT 12 and 16 have {} at the top",
                                    slots, most),
                        "a larger SIZE and -- -F 32, or directories");
        }
        root_names_ = ceil_div(slots, unit) * unit;
        return true;
    }

    void fill() {
        std::vector<std::string> variables = epoch_variable();
        // mtools translates names from the character set of the locale.
        append(variables, {"MTOOLS_SKIP_CHECK=1", "LC_ALL=C.UTF-8"});
        constexpr std::size_t entries_a_call = 500;
        const std::vector<std::size_t>& top = children_[0];
        for (std::size_t at = 0; at < top.size(); at += entries_a_call) {
            Command copy{{"mcopy", "-s", "-p", "-m", "-Q", "-i", builder_.file()}, variables};
            for (std::size_t i = at; i < std::min(at + entries_a_call, top.size()); ++i)
                copy.arguments.push_back(tree_.directory + "/" + tree_.entries[top[i]].path);
            copy.arguments.push_back("::/");
            builder_.run_or_refuse(copy);
        }
    }

    Builder& builder_;
    const MkfsRequest& request_;
    const Tree& tree_;
    std::vector<std::vector<std::size_t>> children_;
    std::uint64_t root_names_ = 0;  // what was asked for; 0: as many as mkfs.vfat likes
};

}  // namespace

void build_vfat(Builder& builder) {
    FatBuilder(builder).build();
}

}  // namespace insitu::apps
