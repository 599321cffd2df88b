// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>

#include "insitu/error.hpp"
#include "insitu/internal/store/unique_fd.hpp"
#include "insitu/units.hpp"
#include "mkfs/builder.hpp"
#include "mkfs/xfs_attributes.hpp"
#include "mkfs/xfs_settle.hpp"

namespace insitu::apps {

namespace {

// mkfs.xfs fills a file system from a prototype, a text of words. White space parts words, a colon
// begins a comment and a dollar sign ends a directory, and nothing can be quoted. So names that are
// no such words get others of the same length, and their own when the file system is made.
bool is_word(const std::string& text) {
    return text.find_first_of(" \t\n\v\f\r") == std::string::npos && !text.starts_with(':') &&
           text != "$";
}

// The number in a notation whose digits are `digits`, padded to `length`.
std::string numeral(std::size_t number, std::size_t length, const std::string& digits) {
    std::string text(length, digits[0]);
    for (std::size_t i = length; i-- > 0 && number != 0; number /= digits.size())
        text[i] = digits[number % digits.size()];
    return text;
}

// A word of this length that is none of `taken`, which it joins. Empty: there is none.
std::string unused_word(std::size_t length, std::size_t& counter, std::set<std::string>& taken) {
    static const std::string digits = [] {
        std::string all;
        constexpr int first = 0x21;
        constexpr int last = 0xff;
        for (int byte = first; byte <= last; ++byte) {
            if (byte != '/' && byte != ':' && byte != '$' && byte != '.' && byte != 0x7f) {
                all.push_back(static_cast<char>(byte));
            }
        }
        return all;
    }();
    std::size_t limit = 1;
    for (std::size_t i = 0; i < std::min<std::size_t>(length, 4); ++i)
        limit *= digits.size();
    for (; counter < limit; ++counter) {
        std::string word = numeral(counter, length, digits);
        if (taken.insert(word).second) return word;
    }
    return {};
}

class XfsBuilder {
  public:
    explicit XfsBuilder(Builder& builder)
        : builder_(builder),
          request_(builder.request()),
          tree_(builder.tree()),
          children_(children_of(tree_)),
          words_(tree_.entries.size()) {}

    void build() {
        if (!tree_.empty()) write_prototype();
        if (request_.size_bytes) {
            make(*request_.size_bytes);
        } else {
            make_smallest();
        }
        if (request_.sizes_only || tree_.empty()) return;
        settle_xfs(XfsImage(builder_.file(), ImageBytes::Mode::write), tree_, words_,
                   request_.epoch);
    }

  private:
    void write_prototype() {
        const std::string name = builder_.scratch().file("prototype");
        std::filesystem::create_directory(builder_.scratch().file("contents"));
        std::ofstream output(name);
        // The boot file and two counts that mkfs.xfs skips.
        output << "/dev/null\n0 0\n" << mode_words(tree_.entries[0]) << '\n';
        choose_words(0);
        write_entries(output, 0);
        if (!output.flush()) throw io_error({.file = name}, "cannot write", errno);
    }

    static std::string mode_words(const Entry& entry) {
        const char kind = entry.is(S_IFDIR)   ? 'd'
                          : entry.is(S_IFLNK) ? 'l'
                          : entry.is(S_IFCHR) ? 'c'
                          : entry.is(S_IFBLK) ? 'b'
                          : entry.is(S_IFIFO) ? 'p'
                                              : '-';
        constexpr mode_t permissions = 0777;
        return fmt::format("{}--{:03o} {} {}", kind, entry.mode & permissions, entry.uid,
                           entry.gid);
    }

    void choose_words(std::size_t directory) {
        std::set<std::string> taken;
        for (const std::size_t child : children_[directory]) {
            const std::string name = tree_.entries[child].name();
            if (is_word(name)) taken.insert(words_[child] = name);
        }
        std::map<std::size_t, std::size_t> counters;
        for (const std::size_t child : children_[directory]) {
            if (!words_[child].empty()) continue;
            const Entry& entry = tree_.entries[child];
            const std::size_t length = entry.name().size();
            words_[child] = unused_word(length, counters[length], taken);
            if (!words_[child].empty()) continue;
            throw Error(ErrorKind::refused, {.file = printable(entry.path)},
                        fmt::format("has a name that mkfs.xfs cannot take, and all other names of "
                                    "{} bytes are in the directory as well",
                                    length),
                        "rename it, or take another TYPE");
        }
    }

    void write_entries(std::ofstream& output, std::size_t directory) {
        for (const std::size_t child : children_[directory]) {
            const Entry& entry = tree_.entries[child];
            output << words_[child] << ' ' << mode_words(entry);
            if (entry.is(S_IFREG)) {
                output << ' ' << content_word(child);
            } else if (entry.is(S_IFLNK)) {
                output << ' ' << target_word(entry);
            } else if (entry.is(S_IFCHR) || entry.is(S_IFBLK)) {
                check_device(entry);
                output << " 0 0";
            }
            output << '\n';
            if (!entry.is(S_IFDIR)) continue;
            choose_words(child);
            write_entries(output, child);
        }
        output << "$\n";
    }

    static void check_device(const Entry& entry) {
        constexpr std::uint32_t majors = 1U << 9;
        constexpr std::uint32_t minors = 1U << 18;
        if (entry.device_major < majors && entry.device_minor < minors) return;
        throw Error(ErrorKind::refused, {.file = printable(entry.path)},
                    fmt::format("is the device {}:{}, and XFS holds numbers below {}:{}",
                                entry.device_major, entry.device_minor, majors, minors),
                    "take another TYPE");
    }

    std::string content_word(std::size_t i) {
        if (tree_.entries[i].size_bytes == 0) return "/dev/null";
        const std::string& path = tree_.entries[i].content_path;
        if (is_word(path)) return path;
        // Making links is slow: one for a directory does, unless the name itself is no word.
        const std::size_t slash = path.rfind('/');
        const std::string name = path.substr(slash + 1);
        return is_word(name) ? link_to(path.substr(0, slash)) + "/" + name : link_to(path);
    }

    // A word that leads to this file or directory.
    std::string link_to(const std::string& path) {
        const auto [link, is_new] = links_.emplace(path, fmt::format("contents/{}", links_.size()));
        if (is_new) {
            std::filesystem::create_symlink(path, builder_.scratch().file(link->second));
        }
        return link->second;
    }

    static std::string target_word(const Entry& entry) {
        const std::string& target = entry.link_target;
        constexpr std::size_t longest = 1023;
        if (target.size() > longest) {
            throw Error(
                ErrorKind::refused, {.file = printable(entry.path)},
                fmt::format("its target has {} bytes: XFS holds {}", target.size(), longest),
                "take another TYPE");
        }
        return is_word(target) ? target : std::string(target.size(), 'x');
    }

    CommandResult attempt(std::uint64_t size_bytes) {
        builder_.make_sparse(size_bytes);
        Arguments list{"mkfs.xfs", "-q", "-f"};
        // The driver's devices have such sectors.
        if (option_value(request_.options, "-s").empty()) append(list, {"-s", "size=4096"});
        if (!request_.uuid.empty()) append(list, {"-m", "uuid=" + request_.uuid});
        if (!request_.label.empty()) append(list, {"-L", request_.label});
        if (!tree_.empty()) append(list, {"-p", "prototype"});
        append(list, request_.options);
        list.push_back(builder_.file());
        const CommandResult made = builder_.run({list, {}, -1, builder_.scratch().directory()});
        return made.done() && !tree_.empty() ? add_attributes() : made;
    }

    void make(std::uint64_t size_bytes) {
        const CommandResult result = attempt(size_bytes);
        if (!result.done()) builder_.refuse(result);
    }

    // What attributes take beside the inode: a leaf, or several with an index above them, and
    // blocks with a header for each long value.
    static std::uint64_t attribute_bytes(const Entry& entry) {
        constexpr std::uint64_t in_inode = 100;
        constexpr std::uint64_t longest_in_leaf = block_bytes * 3 / 4;
        constexpr std::uint64_t header_bytes = 80;
        std::uint64_t in_leaves = 0;
        std::uint64_t blocks = 0;
        for (const auto& [name, value] : entry.xattrs) {
            const bool is_long = value.size() > longest_in_leaf;
            in_leaves += 16 + name.size() + (is_long ? 0 : value.size());
            if (is_long) blocks += ceil_div(value.size(), block_bytes - header_bytes);
        }
        if (in_leaves <= in_inode && blocks == 0) return 0;
        const bool is_one = in_leaves <= block_bytes - header_bytes;
        blocks += is_one ? 1 : 1 + ceil_div(2 * in_leaves, block_bytes);
        // Names and targets may have to leave the inode for them.
        if (entry.is(S_IFDIR) || entry.is(S_IFLNK)) ++blocks;
        return blocks * block_bytes;
    }

    // What the tree takes, with room for the metadata of the file system: mkfs.xfs makes none
    // smaller than 300 MiB.
    std::uint64_t computed_size() const {
        constexpr std::uint64_t least = 300 * mib;
        constexpr std::uint64_t log_bytes = 64 * mib;
        constexpr std::uint64_t inode_bytes = 576;
        std::uint64_t content = 0;
        for (std::size_t i = 0; i < tree_.entries.size(); ++i) {
            const Entry& entry = tree_.entries[i];
            content += inode_bytes + ceil_div(entry.size_bytes, block_bytes) * block_bytes;
            if (entry.is(S_IFLNK)) content += block_bytes;
            content += attribute_bytes(entry);
            if (!entry.is(S_IFDIR)) continue;
            std::uint64_t names = 0;
            for (const std::size_t child : children_[i])
                names += tree_.entries[child].name().size() + 32;
            content += ceil_div(names + names / 2, block_bytes) * block_bytes + 2 * block_bytes;
        }
        const std::uint64_t wanted = content + request_.free_bytes;
        // The log grows with the file system, and groups keep room for trees of their own.
        const std::uint64_t size =
            wanted + wanted / 24 + std::max(log_bytes, wanted / 1024) + 24 * mib;
        return ceil_div(std::max(least, size), block_bytes) * block_bytes;
    }

    void make_smallest() {
        std::uint64_t size_bytes = computed_size();
        CommandResult result = attempt(size_bytes);
        if (!result.done() && builder_.lacks_space(result)) {
            size_bytes += ceil_div(size_bytes / 4, block_bytes) * block_bytes;
            result = attempt(size_bytes);
        }
        if (!result.done()) builder_.refuse(result);
    }

    // Makes what has attributes have them; their values come when all is settled.
    CommandResult add_attributes() {
        const std::string name = builder_.scratch().file("attributes");
        if (!write_attribute_commands(name)) return {};
        const UniqueFd commands(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
        if (!commands) throw io_error({.file = name}, "cannot open", errno);
        CommandResult result =
            builder_.run({{"xfs_db", "-x", builder_.file()}, {}, commands.get()});
        // It says what it could not do, and goes on.
        if (!result.output.empty()) result.status = 1;
        return result;
    }

    // False: there are none.
    bool write_attribute_commands(const std::string& name) {
        const auto has_some = [](const Entry& entry) { return !entry.xattrs.empty(); };
        if (std::none_of(tree_.entries.begin(), tree_.entries.end(), has_some)) return false;
        const XfsImage image(builder_.file(), ImageBytes::Mode::read);
        const std::vector<std::uint64_t> inodes = find_xfs_inodes(image, tree_, words_);
        std::ofstream output(name);
        for (std::size_t i = 0; i < inodes.size(); ++i) {
            if (!has_some(tree_.entries[i])) continue;
            output << "inode " << inodes[i] << '\n'
                   << xfs_attribute_commands(tree_.entries[i].xattrs);
        }
        if (!output.flush()) throw io_error({.file = name}, "cannot write", errno);
        return true;
    }

    Builder& builder_;
    const MkfsRequest& request_;
    const Tree& tree_;
    std::vector<std::vector<std::size_t>> children_;
    std::map<std::string, std::string> links_;  // to contents whose paths are no words
    std::vector<std::string> words_;            // by which entries go into the prototype
};

}  // namespace

void build_xfs(Builder& builder) {
    XfsBuilder(builder).build();
}

}  // namespace insitu::apps
