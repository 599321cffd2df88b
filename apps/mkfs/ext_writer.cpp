// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/ext_writer.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "insitu/error.hpp"
#include "insitu/internal/engine/stop_check.hpp"
#include "insitu/internal/store/unique_fd.hpp"
#include "mkfs/ext_handle.hpp"
#include "mkfs/ext_inode.hpp"

namespace insitu::apps {

namespace {

constexpr std::size_t piece_bytes = std::size_t{1} << 20;
constexpr std::size_t fast_link_bytes = 60;

ExtShape shape_of(ext2_filsys fs) {
    return {fs->blocksize, static_cast<std::uint32_t>(EXT2_INODE_SIZE(fs->super)),
            ext2fs_has_feature_extents(fs->super) != 0,
            ext2fs_has_feature_metadata_csum(fs->super) != 0};
}

// Fills the file system: inodes in the order of the tree, each with its data behind the last.
class ExtFiller {
  public:
    ExtFiller(const std::string& file, const Tree& tree, std::optional<std::int64_t> epoch,
              const StopFlag* stop)
        : fs_(file, ExtHandle::Mode::write),
          tree_(tree),
          epoch_(epoch),
          stop_(stop),
          shape_(shape_of(fs_.get())),
          children_(children_of(tree)),
          inodes_(tree.entries.size(), 0),
          buffer_(std::max<std::size_t>(piece_bytes, fs_->blocksize)) {
        if (epoch) fs_.set_now(*epoch);
    }

    void run() {
        number_inodes();
        for (std::size_t i = 0; i < tree_.entries.size(); ++i) {
            throw_if_stopped(stop_);
            if (tree_.entries[i].link_to == no_entry) write_entry(i);
        }
        fs_.close();
    }

  private:
    const std::string& path_of(std::size_t i) const { return tree_.entries[i].path; }

    // mke2fs has made the top and, mostly, lost+found.
    void number_inodes() {
        ext2_ino_t found = 0;
        if (::ext2fs_lookup(fs_.get(), EXT2_ROOT_INO, "lost+found", 10, nullptr, &found) == 0) {
            lost_and_found_ = found;
        }
        ext2_ino_t next = EXT2_FIRST_INO(fs_->super);
        for (std::size_t i = 0; i < tree_.entries.size(); ++i) {
            const Entry& entry = tree_.entries[i];
            if (i == 0) {
                inodes_[i] = EXT2_ROOT_INO;
            } else if (entry.link_to != no_entry) {
                inodes_[i] = inodes_[entry.link_to];
            } else if (entry.path == "lost+found" && lost_and_found_ != 0) {
                if (!entry.is(S_IFDIR)) {
                    throw Error(ErrorKind::refused, {.file = entry.path},
                                "is not a directory, as a file system of this type needs it to be");
                }
                inodes_[i] = lost_and_found_;
            } else {
                check_ext(::ext2fs_find_first_zero_inode_bitmap2(fs_->inode_map, next,
                                                                 fs_->super->s_inodes_count, &next),
                          path_of(i), no_inode);
                ::ext2fs_inode_alloc_stats2(fs_.get(), next, 1, entry.is(S_IFDIR) ? 1 : 0);
                inodes_[i] = next;
            }
        }
    }

    void write_entry(std::size_t i) {
        const Entry& entry = tree_.entries[i];
        const bool keeps_blocks = inodes_[i] == lost_and_found_ && children_[i].empty();
        struct ext2_inode_large inode {};
        if (inodes_[i] == EXT2_ROOT_INO || inodes_[i] == lost_and_found_) {
            take_over(i, inode, keeps_blocks);
        }
        set_attributes(fs_.get(), inode, entry, epoch_);
        inode.i_links_count = links_of(i);
        if (entry.is(S_IFREG)) {
            write_file(i, inode);
        } else if (entry.is(S_IFLNK)) {
            write_link(i, inode);
        } else if (entry.is(S_IFDIR) && !keeps_blocks) {
            write_directory(i, inode);
        }
        store_inode(i, inode);
        write_xattrs(fs_.get(), inodes_[i], entry);
    }

    void store_inode(std::size_t i, struct ext2_inode_large& inode) {
        check_ext(
            ::ext2fs_write_inode_full(fs_.get(), inodes_[i],
                                      reinterpret_cast<struct ext2_inode*>(&inode), sizeof inode),
            path_of(i), "cannot write its inode");
    }

    // The inode that mke2fs has made, without its blocks unless they stay.
    void take_over(std::size_t i, struct ext2_inode_large& inode, bool keeps_blocks) {
        auto* const plain = reinterpret_cast<struct ext2_inode*>(&inode);
        check_ext(::ext2fs_read_inode_full(fs_.get(), inodes_[i], plain, sizeof inode), path_of(i),
                  "cannot read its inode");
        if (keeps_blocks) return;
        check_ext(::ext2fs_punch(fs_.get(), inodes_[i], plain, nullptr, 0, ~0ULL), path_of(i),
                  "cannot empty it");
        inode = {};
    }

    std::uint16_t links_of(std::size_t i) const {
        const Entry& entry = tree_.entries[i];
        std::uint64_t links = entry.names;
        if (entry.is(S_IFDIR)) {
            links = 2;
            for (const std::size_t child : children_[i])
                links += tree_.entries[child].is(S_IFDIR) ? 1 : 0;
            if (i == 0 && lost_and_found_ != 0 && !has_lost_and_found()) ++links;
        }
        constexpr std::uint64_t most = 65000;
        if (links <= most) return static_cast<std::uint16_t>(links);
        if (entry.is(S_IFDIR) && ext2fs_has_feature_dir_nlink(fs_->super)) return 1;
        throw Error(ErrorKind::refused, {.file = printable(entry.path)},
                    fmt::format("has {} links: this type holds {}", links, most));
    }

    bool has_lost_and_found() const {
        return std::any_of(children_[0].begin(), children_[0].end(),
                           [&](std::size_t child) { return inodes_[child] == lost_and_found_; });
    }

    // Maps `runs` to free blocks and calls `write` for each piece of them that lies together.
    template <typename Write>
    void allocate(std::size_t i, struct ext2_inode_large& inode, const std::vector<BlockRun>& runs,
                  Write write) {
        auto* const plain = reinterpret_cast<struct ext2_inode*>(&inode);
        if (shape_.extents) plain->i_flags |= EXT4_EXTENTS_FL;
        ExtMapper mapper(fs_.get(), inodes_[i], plain, path_of(i));
        for (const BlockRun& run : runs) {
            for (std::uint64_t done = 0; done < run.count;) {
                const BlockRun found = take_blocks(i, run.count - done);
                mapper.map(run.first + done, found.first, found.count);
                ::ext2fs_iblk_add_blocks(fs_.get(), plain, found.count);
                write(run.first + done, found.first, found.count);
                done += found.count;
            }
        }
        mapper.finish();
    }

    BlockRun take_blocks(std::size_t i, std::uint64_t count) {
        constexpr std::uint64_t most = 32768;  // of an extent
        blk64_t first = 0;
        blk64_t length = 0;
        errcode_t code = ::ext2fs_new_range(fs_.get(), 0, goal_, std::min(count, most), nullptr,
                                            &first, &length);
        check_ext(code, path_of(i), "no free blocks");
        ::ext2fs_block_alloc_stats_range(fs_.get(), first, static_cast<blk_t>(length), 1);
        goal_ = first + length;
        return {first, length};
    }

    void write_file(std::size_t i, struct ext2_inode_large& inode) {
        const Entry& entry = tree_.entries[i];
        const UniqueFd source(::open(entry.content_path.c_str(), O_RDONLY | O_CLOEXEC));
        if (!source) throw io_error({.file = printable(entry.content_path)}, "cannot open", errno);
        allocate(i, inode, block_runs(entry, shape_.block_bytes),
                 [&](std::uint64_t at, std::uint64_t block, std::uint64_t count) {
                     copy_blocks(entry, source.get(), at, block, count);
                 });
        auto* const plain = reinterpret_cast<struct ext2_inode*>(&inode);
        check_ext(
            ::ext2fs_inode_size_set(fs_.get(), plain, static_cast<ext2_off64_t>(entry.size_bytes)),
            path_of(i), "cannot hold its size");
    }

    void copy_blocks(const Entry& entry, int source, std::uint64_t at, std::uint64_t block,
                     std::uint64_t count) {
        const std::uint64_t per_piece = buffer_.size() / shape_.block_bytes;
        for (std::uint64_t done = 0; done < count;) {
            const std::uint64_t now = std::min(count - done, per_piece);
            read_piece(entry, source, (at + done) * shape_.block_bytes, now * shape_.block_bytes);
            check_ext(::io_channel_write_blk64(fs_->io, block + done, static_cast<int>(now),
                                               buffer_.data()),
                      entry.path, "cannot write");
            done += now;
        }
    }

    // Behind the end of the file come zeros.
    void read_piece(const Entry& entry, int source, std::uint64_t at, std::uint64_t bytes) {
        const std::uint64_t wanted = std::min(bytes, entry.size_bytes - at);
        std::uint64_t got = 0;
        while (got < wanted) {
            const ssize_t now =
                ::pread(source, buffer_.data() + got, wanted - got, static_cast<off_t>(at + got));
            if (now < 0 && errno == EINTR) continue;
            if (now < 0)
                throw io_error({.file = printable(entry.content_path)}, "cannot read", errno);
            if (now == 0) {
                throw Error(ErrorKind::io, {.file = printable(entry.content_path)},
                            fmt::format("became shorter while it was read: {} of {} bytes",
                                        at + got, entry.size_bytes));
            }
            got += static_cast<std::uint64_t>(now);
        }
        std::memset(buffer_.data() + wanted, 0, bytes - wanted);
    }

    void write_link(std::size_t i, struct ext2_inode_large& inode) {
        const std::string& target = tree_.entries[i].link_target;
        inode.i_size = static_cast<std::uint32_t>(target.size());
        if (target.size() < fast_link_bytes) {
            std::memcpy(inode.i_block, target.data(), target.size());
            return;
        }
        if (target.size() >= shape_.block_bytes) {
            throw Error(ErrorKind::refused, {.file = printable(path_of(i))},
                        fmt::format("its target has {} bytes: {} fit", target.size(),
                                    shape_.block_bytes - 1));
        }
        allocate(i, inode, {{0, 1}}, [&](std::uint64_t, std::uint64_t block, std::uint64_t) {
            std::memset(buffer_.data(), 0, shape_.block_bytes);
            std::memcpy(buffer_.data(), target.data(), target.size());
            check_ext(::io_channel_write_blk64(fs_->io, block, 1, buffer_.data()), path_of(i),
                      "cannot write");
        });
    }

    std::vector<ExtName> names_of(std::size_t i) const {
        std::vector<ExtName> names{{".", inodes_[i], EXT2_FT_DIR},
                                   {"..", inodes_[parents_[i]], EXT2_FT_DIR}};
        if (i == 0 && lost_and_found_ != 0 && !has_lost_and_found()) {
            names.push_back({"lost+found", lost_and_found_, EXT2_FT_DIR});
        }
        for (const std::size_t child : children_[i]) {
            names.push_back({tree_.entries[child].name(), inodes_[child],
                             file_type_of(tree_.entries[child].mode)});
        }
        return names;
    }

    void write_directory(std::size_t i, struct ext2_inode_large& inode) {
        const std::vector<ExtName> names = names_of(i);
        const std::vector<std::size_t> counts = names_per_block(names, shape_);
        std::vector<std::uint64_t> blocks;
        allocate(i, inode, {{0, counts.size()}},
                 [&](std::uint64_t, std::uint64_t block, std::uint64_t count) {
                     for (std::uint64_t k = 0; k < count; ++k)
                         blocks.push_back(block + k);
                 });
        const std::uint64_t size_bytes = std::uint64_t{counts.size()} * shape_.block_bytes;
        check_ext(::ext2fs_inode_size_set(fs_.get(), reinterpret_cast<struct ext2_inode*>(&inode),
                                          static_cast<ext2_off64_t>(size_bytes)),
                  path_of(i), "cannot hold its size");
        store_inode(i, inode);
        std::size_t first = 0;
        for (std::size_t k = 0; k < counts.size(); ++k) {
            write_names(fs_.get(), blocks[k], inodes_[i], &names[first], counts[k], shape_);
            first += counts[k];
        }
    }

    ExtHandle fs_;
    const Tree& tree_;
    std::optional<std::int64_t> epoch_;
    const StopFlag* stop_;
    ExtShape shape_;
    std::vector<std::vector<std::size_t>> children_;
    std::vector<std::size_t> parents_ = parents_of(tree_);
    std::vector<ext2_ino_t> inodes_;
    std::vector<char> buffer_;
    ext2_ino_t lost_and_found_ = 0;
    blk64_t goal_ = 0;
};

}  // namespace

ExtState ext_state(const std::string& file) {
    const ExtHandle fs(file, ExtHandle::Mode::read);
    return {shape_of(fs.get()),
            ext2fs_blocks_count(fs->super),
            ext2fs_free_blocks_count(fs->super),
            fs->super->s_free_inodes_count,
            fs->super->s_inodes_count,
            ext2fs_has_feature_quota(fs->super) != 0,
            ext2fs_has_feature_bigalloc(fs->super) != 0};
}

void fill_ext(const std::string& file, const Tree& tree, std::optional<std::int64_t> epoch,
              const StopFlag* stop) {
    ExtFiller(file, tree, epoch, stop).run();
}

}  // namespace insitu::apps
