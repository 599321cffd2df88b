#include "mkfs/file_system.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <string_view>

#include "insitu/error.hpp"
#include "insitu/store/unique_fd.hpp"
#include "mkfs/commands.hpp"
#include "mkfs/ext_times.hpp"
#include "mkfs/process.hpp"
#include "mkfs/protofile.hpp"

namespace insitu::apps {

namespace {

constexpr const char* more_room = "a larger SIZE, or none, gives it more room";
constexpr std::uint64_t mib = std::uint64_t{1} << 20;

void make_sparse(const std::string& file, std::uint64_t size_bytes) {
    constexpr mode_t private_mode = 0600;
    const UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, private_mode));
    if (!fd || ::ftruncate(fd.get(), static_cast<off_t>(size_bytes)) != 0) {
        throw io_error({.file = file}, "cannot create", errno);
    }
}

// Free blocks of an ext file system, from its super block (of 4 KiB blocks).
std::uint64_t ext_free_bytes(const std::string& file) {
    constexpr off_t low_word_at = 1024 + 12;
    std::array<unsigned char, 4> word{};
    const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd || ::pread(fd.get(), word.data(), word.size(), low_word_at) != 4) return 0;
    const std::uint64_t blocks = word[0] | (unsigned{word[1]} << 8) | (unsigned{word[2]} << 16) |
                                 (static_cast<std::uint64_t>(word[3]) << 24);
    return blocks * block_bytes;
}

bool lacks_space(const std::string& words) {
    constexpr std::array<std::string_view, 9> signs{
        "No space left",   "not allocate",          "too small",    "Disk full",   "not enough",
        "reserving space", "not enough free space", "Disk is full", "out of space"};
    return std::any_of(signs.begin(), signs.end(), [&](std::string_view sign) {
        return words.find(sign) != std::string::npos;
    });
}

// What a program said, without its usage and empty lines around it.
std::string reason_of(const CommandResult& result) {
    const std::string& said = result.output;
    const std::string words = said.substr(0, std::min(said.find("\nUsage:"), said.size()));
    const std::size_t first = words.find_first_not_of('\n');
    if (first == std::string::npos) return fmt::format("ended with status {}", result.status);
    return words.substr(first, words.find_last_not_of('\n') + 1 - first);
}

class Builder {
  public:
    Builder(const MkfsRequest& request, const TreeSummary& tree, const Scratch& scratch,
            const StopFlag* stop)
        : request_(request),
          tree_(tree),
          scratch_(scratch),
          stop_(stop),
          file_(scratch.file("file-system")) {}

    std::string build() {
        if (request_.type == "vfat" && !tree_.special.empty()) {
            throw Error(ErrorKind::refused, {.file = tree_.special},
                        "is neither a file nor a directory: vfat holds nothing else",
                        "leave it out of the tree, or take another TYPE");
        }
        if (request_.type == "xfs" && !request_.directory.empty()) {
            write_protofile(request_.directory, scratch_.file("prototype"));
        }
        if (traits_of(request_.type)->read_only) {
            build_read_only();
        } else if (request_.size_bytes) {
            const CommandResult result = attempt(*request_.size_bytes);
            if (!result.done()) refuse(result);
            refuse_larger();  // mkfs.btrfs lets a file grow
        } else {
            build_smallest();
        }
        if (request_.type.starts_with("ext") && !request_.epoch.empty() &&
            !request_.directory.empty()) {
            settle_ext_times(file_, request_.directory, request_.epoch, scratch_, stop_);
        }
        return file_;
    }

  private:
    [[noreturn]] void refuse(const CommandResult& result) const {
        const std::string reason = reason_of(result);
        throw Error(ErrorKind::refused, {.file = program_}, reason,
                    lacks_space(reason) ? more_room : "");
    }

    CommandResult run(const Command& command) {
        program_ = command.arguments[request_.wrapper.size()];
        if (request_.note) request_.note(fmt::format("{}", fmt::join(command.arguments, " ")));
        CommandResult result = run_command(command, stop_);
        if (request_.note && !result.output.empty()) request_.note(result.output);
        return result;
    }

    // Refuses a file system that has become larger than SIZE.
    void refuse_larger() const {
        const std::uint64_t made_bytes = std::filesystem::file_size(file_);
        if (made_bytes <= *request_.size_bytes) return;
        throw Error(ErrorKind::refused, {.file = program_},
                    fmt::format("the file system has {} bytes, there is room for {}", made_bytes,
                                *request_.size_bytes),
                    more_room);
    }

    CommandResult attempt(std::uint64_t size_bytes, bool shrink = false) {
        make_sparse(file_, size_bytes);
        MkfsRequest request = request_;
        if (shrink) request.options.push_back("--shrink");
        for (const Command& command :
             mkfs_commands(request, tree_, file_, scratch_.file("prototype"))) {
            CommandResult result = run(command);
            if (!result.done()) return result;
        }
        return {};
    }

    void build_read_only() {
        std::filesystem::remove(file_);
        for (const Command& command : mkfs_commands(request_, tree_, file_, {})) {
            const CommandResult result = run(command);
            if (!result.done()) refuse(result);
        }
        if (!request_.size_bytes) return;
        refuse_larger();
        std::filesystem::resize_file(file_, *request_.size_bytes);
    }

    // A guess that is rather too large: what is free of it is taken off again where that is known.
    std::uint64_t first_guess() const {
        constexpr std::uint64_t inode_bytes = 512;
        const std::uint64_t content = tree_.data_bytes + tree_.data_bytes / 32 +
                                      tree_.entries * inode_bytes +
                                      tree_.directories * 2 * block_bytes + request_.free_bytes;
        if (request_.type == "xfs") return std::max(300 * mib, content + 80 * mib);
        if (request_.type == "btrfs") return std::max(128 * mib, 2 * content + 256 * mib);
        if (request_.type == "vfat") return content + tree_.entries * block_bytes + 2 * mib;
        return content + 72 * mib;  // a journal has 64 MiB at most where content is small
    }

    // Grows until it fits; `step_bytes` is what is added at a time.
    std::uint64_t build_growing(std::uint64_t size_bytes) {
        constexpr int attempts = 40;
        for (int i = 0;; ++i) {
            size_bytes = ceil_div(size_bytes, block_bytes) * block_bytes;
            const CommandResult result = attempt(size_bytes);
            if (result.done()) return size_bytes;
            if (i == attempts || !lacks_space(result.output)) refuse(result);
            size_bytes += std::max(size_bytes / 64, 16 * block_bytes);
        }
    }

    void build_smallest() {
        if (request_.type == "btrfs" && !request_.directory.empty()) {
            const CommandResult result = attempt(first_guess(), true);
            if (!result.done()) refuse(result);
            if (request_.free_bytes == 0) return;
            const std::uint64_t shrunk = std::filesystem::file_size(file_);
            build_growing(std::max(128 * mib, shrunk + request_.free_bytes));
            return;
        }
        const std::uint64_t large = build_growing(first_guess());
        if (!request_.type.starts_with("ext")) return;
        const std::uint64_t spare = ext_free_bytes(file_);
        if (spare <= request_.free_bytes) return;
        // Below 8 MiB mke2fs leaves the journal out.
        const std::uint64_t least = request_.type == "ext2" ? 0 : 8 * mib;
        build_growing(std::max(least, large - spare + request_.free_bytes));
    }

    const MkfsRequest& request_;
    const TreeSummary& tree_;
    const Scratch& scratch_;
    const StopFlag* stop_;
    std::string file_;
    std::string program_;  // the last one that ran
};

}  // namespace

void check_request(const MkfsRequest& request) {
    const TypeTraits* traits = traits_of(request.type);
    if (traits == nullptr) {
        throw Error(ErrorKind::refused, {.file = "-t " + request.type},
                    "is no type of file system that can be made here",
                    fmt::format("the types are {}", fmt::join(file_system_types(), ", ")));
    }
    const auto need = [&](const char* program, const char* package) {
        if (!find_program(program).empty()) return;
        throw Error(ErrorKind::refused, {.file = program}, "is not installed",
                    fmt::format("the package {} has it", package));
    };
    need(traits->program, traits->package);
    if (request.type == "vfat" && !request.directory.empty()) need("mcopy", "mtools");
    if (traits->read_only && request.directory.empty()) {
        throw Error(ErrorKind::refused, {.file = request.type},
                    "is never written to later: an empty one makes no sense", "-d DIR fills it");
    }
    if (traits->read_only && request.free_bytes != 0) {
        throw Error(ErrorKind::refused, {.file = request.type},
                    "is never written to later: it has no use for free space", "leave --free out");
    }
    if (request.type == "xfs" && !request.wrapper.empty()) {
        throw Error(ErrorKind::refused, {.file = "mkfs.xfs"},
                    "takes the owners of an unpacked tar from root only",
                    "run it as root, or under fakeroot");
    }
}

std::string make_file_system(const MkfsRequest& request, const TreeSummary& tree,
                             const Scratch& scratch, const StopFlag* stop) {
    return Builder(request, tree, scratch, stop).build();
}

}  // namespace insitu::apps
