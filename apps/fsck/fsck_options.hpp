// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/tool.hpp"
#include "insitu/check.hpp"

namespace insitu::apps {

// Exit statuses of fsck(8), to be joined.
inline constexpr int fsck_clean = 0;
inline constexpr int fsck_corrected = 1;
inline constexpr int fsck_uncorrected = 4;
inline constexpr int fsck_failed = 8;
inline constexpr int fsck_usage = 16;
inline constexpr int fsck_cancelled = 32;

enum class FsckMode { check, repair, undo };

struct FsckOptions {
    FsckMode mode = FsckMode::check;
    std::vector<std::string> words;  // the arguments that are no options, for settle()
    std::string image;
    std::string undo_log;      // the second argument of `undo`
    bool check_named = false;  // by the word `check`
    bool no_changes = false;
    bool safe_only = false;
    bool everything = false;
    bool full = false;                // -f
    std::string progress_descriptor;  // -C
    bool meta_only = false;
    bool kernel_safe = false;
    bool trust_payloads = false;
    bool salvage = false;
    bool rebuild_super = false;
    bool rebuild_meta = false;
    bool resize_file = false;
    bool punch = false;
    bool seal = false;
    bool seal_all = false;
    bool dry_run = false;
    bool force = false;
    std::string manifest;
    std::string restore_meta;
    std::string log;             // --undo FILE
    std::string undo_directory;  // $INSITU_UNDO_DIR; empty: the usual ones
    std::string output;          // -o NEW
    std::string html;

    bool seals() const noexcept { return seal || seal_all; }
};

// Takes `check`, `repair` or `undo` out of the arguments, where it is the first: --help depends on
// it. Behind options settle() finds it.
void take_mode(int& argc, char** argv, FsckOptions& options);

// Adds the options, as fsck(8) has them and the own ones.
void add_fsck_options(Tool& tool, FsckOptions& options);

// Tells the mode from the image, turns -p, -a and -y into a mode. Throws CLI::ValidationError for
// what contradicts itself.
void settle(Tool& tool, FsckOptions& options);

}  // namespace insitu::apps
