// SPDX-License-Identifier: GPL-2.0-or-later
#include "fsck/fsck_options.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "common/choices.hpp"

namespace insitu::apps {

namespace {

// False: the word names no mode.
bool set_mode(std::string_view word, FsckOptions& options) {
    if (word == "repair") {
        options.mode = FsckMode::repair;
    } else if (word == "undo") {
        options.mode = FsckMode::undo;
    } else if (word == "check") {
        options.check_named = true;
    } else {
        return false;
    }
    return true;
}

void add_fsck8_options(CLI::App& cli, FsckOptions& options) {
    cli.add_flag("-n", options.no_changes, "Change nothing: check only");
    cli.add_flag("-p,-a", options.safe_only,
                 "Repair only what cannot change the content of any block that reads today");
    cli.add_flag("-y", options.everything, "Repair everything that there is evidence for");
    cli.add_flag("-f", options.full, "Accepted for fsck(8): an image is always checked");
    cli.add_option("-C", options.progress_descriptor,
                   "Lines of progress to a descriptor, as fsck(8) reads them; 0: the bar")
        ->type_name("FD");
    cli.add_flag("-r,-T,-M,-l", options.full,
                 "Accepted for fsck(8), which does what they say by itself");
}

// Of -C: one that is open.
int descriptor_of(const std::string& text) {
    int descriptor = -1;
    const char* const end = text.data() + text.size();
    const auto [rest, status] = std::from_chars(text.data(), end, descriptor);
    const bool is_open = status == std::errc{} && rest == end && descriptor >= 0 &&
                         ::fcntl(descriptor, F_GETFD) >= 0;
    if (!is_open) throw CLI::ValidationError("-C", "'" + text + "' is not an open descriptor");
    return descriptor;
}

void add_evidence_options(CLI::App& cli, FsckOptions& options) {
    cli.add_flag("--trust-payloads", options.trust_payloads,
                 "Treat raw extents that together form a complete payload as a compressed one");
    cli.add_flag("--salvage", options.salvage,
                 "Of a torn stream, keep the blocks that decode and zero the rest; list both");
    cli.add_option("--manifest", options.manifest,
                   "Compare contents with a manifest, as insitu-dump-meta --hash --json prints one")
        ->type_name("FILE")
        ->check(file_name());
    cli.add_flag("--rebuild-super", options.rebuild_super,
                 "Make the super block from the size and the payloads");
    cli.add_flag("--rebuild-meta", options.rebuild_meta, "Make all meta from the payloads alone");
    cli.add_option("--restore-meta", options.restore_meta,
                   "Write the meta that insitu-dump-meta --binary saved")
        ->type_name("FILE")
        ->check(file_name());
    cli.add_option("--html", options.html,
                   "Write a page with a map of the device, the findings and the planned repairs")
        ->type_name("FILE")
        ->check(file_name());
    cli.add_flag("--resize-file", options.resize_file,
                 "Give a file the size that its super block is for");
}

[[noreturn]] void refuse(const char* option, const std::string& why) {
    throw CLI::ValidationError(option, why);
}

// Whether an option is set that makes a repair of a check.
bool asks_for_repair(const FsckOptions& options) {
    return options.safe_only || options.everything || options.rebuild_super ||
           options.rebuild_meta || options.salvage || options.trust_payloads ||
           options.resize_file || options.dry_run || options.punch || options.seals() ||
           !options.restore_meta.empty() || !options.output.empty();
}

// The image and, for undo, its log, behind the mode, where that was not the first argument.
void settle_words(FsckOptions& options) {
    std::vector<std::string>& words = options.words;
    const bool named = options.mode != FsckMode::check || options.check_named;
    if (!named && words.size() > 1 && set_mode(words.front(), options)) words.erase(words.begin());
    const bool undo = options.mode == FsckMode::undo;
    if (words.size() != (undo ? 2 : 1)) {
        refuse("IMAGE", undo ? "undo takes an image and its log"
                             : fmt::format("one image is expected, not {}", words.size()));
    }
    options.image = words.front();
    if (undo) options.undo_log = words.back();
}

// `undo` behind options that it does not have.
void settle_undo(const FsckOptions& options, Sharing sharing) {
    if (asks_for_repair(options) || options.no_changes || options.meta_only ||
        options.kernel_safe || !options.manifest.empty() || !options.log.empty() ||
        sharing == Sharing::shared) {
        refuse("undo", "takes only --force and --json");
    }
}

}  // namespace

void take_mode(int& argc, char** argv, FsckOptions& options) {
    if (argc < 2 || !set_mode(argv[1], options)) return;
    std::copy(argv + 2, argv + argc + 1, argv + 1);  // with the null at the end
    --argc;
}

void add_fsck_options(Tool& tool, FsckOptions& options) {
    CLI::App& cli = tool.cli();
    if (options.mode == FsckMode::undo) {
        cli.add_option("IMAGE", options.image, "Image file or block device")
            ->required()
            ->check(file_name());
        cli.add_option("LOG", options.undo_log, "Undo log of a repair")
            ->required()
            ->check(file_name());
        cli.add_flag("--force", options.force, "Even if the image does not match the log");
        tool.add_json_option();
        return;
    }
    cli.set_version_flag("-V,--version", "insitu-fsck " INSITU_VERSION,
                         "Print the version and exit");
    constexpr int most_words = 3;  // undo IMAGE LOG
    cli.add_option("IMAGE", options.words, "Image file or block device")
        ->required()
        ->expected(1, most_words)
        ->check(file_name());
    cli.footer(
        "Subcommands:\n"
        "  insitu-fsck [check] IMAGE    report what is wrong, write nothing\n"
        "  insitu-fsck repair IMAGE     repair it, as -y does\n"
        "  insitu-fsck undo IMAGE LOG   undo a repair; a second undo repairs again\n"
        "Exit status: 0 clean, 1 corrected, 4 left uncorrected, 8 failed, 16 usage, 32 cancelled.");
    add_fsck8_options(cli, options);
    cli.add_flag("--meta-only", options.meta_only, "Check the meta alone, which is quick");
    cli.add_flag("--kernel-safe", options.kernel_safe,
                 "Answer one question: is it safe to activate the image?");
    add_evidence_options(cli, options);
    cli.add_flag("--punch", options.punch,
                 "Free the space of holes, if the image is clean; undo does not bring it back");
    auto* seal = cli.add_flag("--seal", options.seal,
                              "Seal compressed payloads that have no seal; with nothing else: "
                              "repair nothing");
    cli.add_flag("--seal-all", options.seal_all,
                 "The same, and give a new seal to payloads that differ from theirs")
        ->excludes(seal);
    cli.add_option("--undo", options.log, "Where the undo log goes (default: beside the image)")
        ->type_name("FILE")
        ->check(file_name());
    cli.add_option("-o,--output", options.output, "Repair a copy, leave the image alone")
        ->type_name("NEW")
        ->check(file_name());
    cli.add_flag("--dry-run", options.dry_run, "Print the plan of a repair, change nothing");
    cli.add_flag("--force", options.force,
                 "Replace an undo log or a NEW that exists; trust a manifest that does not fit the "
                 "image");
    tool.add_force_share_option();
    tool.add_json_option();
    tool.add_progress_option();
}

void settle(Tool& tool, FsckOptions& options) {
    const Sharing sharing = tool.sharing();
    if (!options.words.empty()) settle_words(options);
    if (!options.progress_descriptor.empty()) {
        tool.set_fsck_progress(descriptor_of(options.progress_descriptor), options.image);
    }
    if (options.mode == FsckMode::undo) return settle_undo(options, sharing);
    if (options.safe_only && options.everything) refuse("-p", "excludes -y");
    if (options.no_changes && (options.safe_only || options.everything)) {
        refuse("-n", "excludes -p, -a and -y");
    }
    if (options.no_changes && options.mode == FsckMode::repair) refuse("-n", "excludes repair");
    if (options.meta_only && !options.manifest.empty()) {
        refuse("--meta-only", "excludes --manifest: it reads no content that could be compared");
    }
    if (options.rebuild_meta && !options.restore_meta.empty()) {
        refuse("--rebuild-meta", "excludes --restore-meta");
    }
    FsckOptions others = options;
    others.seal = others.seal_all = false;
    if (options.mode == FsckMode::check && options.seals() && !asks_for_repair(others)) {
        options.safe_only = true;
    }
    if (options.mode == FsckMode::check && asks_for_repair(options)) {
        if (options.no_changes) refuse("-n", "changes nothing, the other options would");
        if (options.check_named) refuse("check", "changes nothing, the other options would");
        options.mode = FsckMode::repair;
    }
    if (options.mode == FsckMode::repair && options.meta_only && !options.safe_only) {
        refuse("--meta-only", "is for checking: a repair needs the payloads");
    }
    if (options.dry_run && options.seals()) {
        refuse(options.seal_all ? "--seal-all" : "--seal",
               "has no --dry-run; insitu-stat tells how many extents have seals");
    }
    const bool writes = options.output.empty() && !options.dry_run;
    if (options.mode == FsckMode::repair && writes && sharing == Sharing::shared) {
        refuse("--force-share", "is for reading: a repair needs the image for itself");
    }
    if (options.kernel_safe && options.mode == FsckMode::repair) {
        refuse("--kernel-safe", "is for checking");
    }
}

}  // namespace insitu::apps
