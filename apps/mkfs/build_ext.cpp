// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "insitu/error.hpp"
#include "insitu/units.hpp"
#include "mkfs/builder.hpp"
#include "mkfs/ext_writer.hpp"

namespace insitu::apps {

namespace {

// What mke2fs makes is not to depend on the machine's own configuration.
constexpr const char* configuration = R"([defaults]
    base_features = sparse_super,large_file,filetype,resize_inode,dir_index,ext_attr
    default_mntopts = acl,user_xattr
    enable_periodic_fsck = 0
    blocksize = 4096
    inode_size = 256
    inode_ratio = 16384
[fs_types]
    ext3 = {
        features = has_journal
    }
    ext4 = {
        features = has_journal,extent,huge_file,flex_bg,metadata_csum,64bit,dir_nlink,extra_isize
    }
    small = {
        inode_ratio = 4096
    }
    floppy = {
        inode_ratio = 8192
    }
    big = {
        inode_ratio = 32768
    }
    huge = {
        inode_ratio = 65536
    }
    news = {
        inode_ratio = 4096
    }
    largefile = {
        inode_ratio = 1048576
        blocksize = -1
    }
    largefile4 = {
        inode_ratio = 4194304
        blocksize = -1
    }
)";

// mke2fs takes the last -E only, so the user's own is joined with what is needed here.
Arguments join_extended(Arguments options, std::string extended) {
    for (std::size_t i = 0; i + 1 < options.size();) {
        if (options[i] != "-E") {
            ++i;
            continue;
        }
        extended += (extended.empty() ? "" : ",") + options[i + 1];
        const auto place = std::next(options.begin(), static_cast<std::ptrdiff_t>(i));
        options.erase(place, place + 2);
    }
    append(options, {"-E", extended});
    return options;
}

class ExtBuilder {
  public:
    explicit ExtBuilder(Builder& builder)
        : builder_(builder),
          request_(builder.request()),
          chooses_inodes_(option_value(request_.options, "-N").empty() &&
                          option_value(request_.options, "-i").empty() &&
                          option_value(request_.options, "-T").empty()),
          grows_inodes_(!chooses_inodes_ && option_value(request_.options, "-N").empty()) {
        refuse_options();
        const std::string name = builder_.scratch().file("mke2fs.conf");
        std::ofstream file(name);
        if (!(file << configuration).flush()) throw io_error({.file = name}, "cannot write", errno);
    }

    void build() {
        if (request_.size_bytes) {
            make_sized(*request_.size_bytes);
        } else {
            make_smallest();
        }
        if (request_.sizes_only) return;
        if (!builder_.tree().empty()) fill();
        if (request_.epoch) settle_ext_super(builder_.file(), builder_.tree(), *request_.epoch);
    }

  private:
    void refuse_options() const {
        for (const std::string& option : request_.options) {
            const bool fills = option == "-d";
            if (!fills && option != "-n" && option != "-S") continue;
            throw Error(ErrorKind::refused, {.file = "-- " + option},
                        fills ? "fills the file system a second time" : "makes no file system",
                        "leave it out");
        }
    }

    void fill() {
        const ExtState state = ext_state(builder_.file());
        if (state.has_clusters) {
            throw Error(ErrorKind::refused, {.file = "-O bigalloc"},
                        "is for a file system that is filled when it is mounted",
                        "leave it or -d out");
        }
        fill_ext(builder_.file(), builder_.tree(), request_.epoch, builder_.stop());
        if (state.has_quota) count_quota();
    }

    // e2fsck knows how; it ends with 1 where it has done something.
    void count_quota() {
        Command command{{"e2fsck", "-f", "-y", builder_.file()}, {}};
        if (request_.epoch) command.environment.push_back(fake_time());
        CommandResult result = builder_.run(command);
        constexpr int corrected = 1;
        if (!result.done() && result.status != corrected) builder_.refuse(result);
    }

    std::string fake_time() const { return fmt::format("E2FSPROGS_FAKE_TIME={}", *request_.epoch); }

    // An empty file system; `inodes` 0: as many as mke2fs likes.
    void make_empty(std::uint64_t size_bytes, std::uint64_t inodes) {
        builder_.make_sparse(size_bytes);
        Arguments list{"mke2fs", "-q", "-F", "-t", request_.type, "-b", "4096"};
        if (!request_.uuid.empty()) append(list, {"-U", request_.uuid});
        if (!request_.label.empty()) append(list, {"-L", request_.label});
        if (inodes != 0) append(list, {"-N", fmt::format("{}", inodes)});
        std::string extended = "lazy_itable_init=1";
        if (!request_.uuid.empty()) extended += ",hash_seed=" + request_.uuid;
        append(list, join_extended(request_.options, extended));
        list.push_back(builder_.file());
        Command command{list, {"MKE2FS_CONFIG=" + builder_.scratch().file("mke2fs.conf")}};
        if (request_.epoch) {
            command.environment.push_back(fake_time());
        }
        builder_.run_or_refuse(command);
    }

    std::uint64_t wanted_inodes(const ExtNeed& need) const {
        constexpr std::uint64_t spare = 64;
        constexpr std::uint64_t bytes_per_inode = 16384;
        return need.inodes + need.inodes / 16 + spare + request_.free_bytes / bytes_per_inode;
    }

    void make_sized(std::uint64_t size_bytes) {
        make_empty(size_bytes, 0);
        ExtState state = ext_state(builder_.file());
        const ExtNeed need = need_of(builder_.tree(), state.shape);
        if (state.free_inodes >= need.inodes || !chooses_inodes_) return;
        make_empty(size_bytes, wanted_inodes(need));
    }

    // Empty file systems take next to no time: the second one has the right size.
    void make_smallest() {
        const std::uint64_t guess_block = 4096;
        const ExtNeed guess = need_of(builder_.tree(), ExtShape{});
        const std::uint64_t inodes = chooses_inodes_ ? wanted_inodes(guess) : 0;
        constexpr std::uint64_t inode_bytes = 256;
        const std::uint64_t content = guess.blocks * guess_block + request_.free_bytes;
        // A journal has 64 MiB at most while content is small.
        std::uint64_t size_bytes = content + content / 32 + inodes * inode_bytes + 72 * mib;
        constexpr int attempts = 6;
        for (int i = 0; i < attempts; ++i) {
            size_bytes = ceil_div(size_bytes, block_bytes) * block_bytes;
            make_empty(size_bytes, inodes);
            const ExtState state = ext_state(builder_.file());
            const ExtNeed need = need_of(builder_.tree(), state.shape);
            const std::uint64_t unit = state.shape.block_bytes;
            if (state.free_inodes < need.inodes && grows_inodes_) {
                // With so many bytes for each.
                size_bytes += ceil_div(size_bytes * (need.inodes - state.free_inodes),
                                       std::max<std::uint64_t>(1, state.inodes)) +
                              mib;
                continue;
            }
            const std::uint64_t wanted = need.blocks + ceil_div(request_.free_bytes, unit);
            if (state.free_blocks < wanted) {
                size_bytes += (wanted - state.free_blocks) * unit;
                continue;
            }
            const std::uint64_t spare = (state.free_blocks - wanted) * unit / block_bytes;
            if (i > 0 || spare == 0) return;
            const std::uint64_t least = least_bytes(unit);
            const std::uint64_t smaller =
                std::max(least, size_bytes - std::min(size_bytes, spare * block_bytes));
            if (smaller >= size_bytes) return;
            size_bytes = smaller;
        }
        throw Error(ErrorKind::refused, {.file = "mke2fs"},
                    "no size was found that holds the tree with these options", "give a SIZE");
    }

    // Below it mke2fs leaves the journal out.
    std::uint64_t least_bytes(std::uint64_t unit) const {
        constexpr std::uint64_t with_journal = 2048;
        constexpr std::uint64_t without = 64;
        return (request_.type == "ext2" ? without : with_journal) * unit;
    }

    Builder& builder_;
    const MkfsRequest& request_;
    bool chooses_inodes_;
    bool grows_inodes_;  // with the size
};

}  // namespace

void build_ext(Builder& builder) {
    ExtBuilder(builder).build();
}

}  // namespace insitu::apps
