// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "common/process.hpp"
#include "mkfs/file_system.hpp"

namespace insitu::apps {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;
constexpr const char* more_room = "a larger SIZE, or none, gives it more room";

// What all types need to be built with: the request, the tree, and programs that are run in a
// scratch directory.
class Builder {
  public:
    // All of them outlive it.
    Builder(const MkfsRequest& request, const Tree& tree, const Scratch& scratch,
            const StopFlag* stop);

    const MkfsRequest& request() const noexcept { return request_; }
    const Tree& tree() const noexcept { return tree_; }
    const Scratch& scratch() const noexcept { return scratch_; }
    const StopFlag* stop() const noexcept { return stop_; }
    const std::string& file() const noexcept { return file_; }

    // Runs a program and notes what it says. Does not throw if it fails.
    CommandResult run(const Command& command);
    // Throws the words of a program that failed: of the host if that is full.
    [[noreturn]] void refuse(const CommandResult& result) const;
    void run_or_refuse(const Command& command);
    // Whether it failed since the file system that it makes has too little room.
    bool lacks_space(const CommandResult& result) const;
    // An empty file of this size, all of it a hole.
    void make_sparse(std::uint64_t size_bytes) const;
    // Refuses a file system that has become larger than SIZE, and fills up to it.
    void settle_size() const;

  private:
    const MkfsRequest& request_;
    const Tree& tree_;
    const Scratch& scratch_;
    const StopFlag* stop_;
    std::string file_;
    std::string program_;  // the last one that ran
};

// One for each kind of type. They leave the file system in builder.file().
void build_ext(Builder& builder);
void build_vfat(Builder& builder);
void build_xfs(Builder& builder);
void build_btrfs(Builder& builder);
void build_squashfs(Builder& builder);
void build_erofs(Builder& builder);

using Arguments = std::vector<std::string>;
void append(Arguments& list, const Arguments& more);

}  // namespace insitu::apps
