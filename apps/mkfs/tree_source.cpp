// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/tree_source.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>

#include "common/process.hpp"
#include "common/sha256.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/engine/stop_check.hpp"
#include "insitu/internal/store/unique_fd.hpp"
#include "mkfs/adapt.hpp"
#include "mkfs/compare.hpp"
#include "mkfs/readers.hpp"
#include "mkfs/selinux_labels.hpp"
#include "mkfs/sparse_units.hpp"
#include "mkfs/stage.hpp"
#include "mkfs/tar_reader.hpp"
#include "mkfs/tree_walk.hpp"

namespace insitu::apps {

namespace fs = std::filesystem;

namespace {

// A pattern without a slash is for names at any depth, another for paths from the top.
bool is_excluded(const std::vector<std::string>& patterns, const std::string& path) {
    const std::string name = path.substr(path.rfind('/') + 1);
    return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
        if (pattern.find('/') == std::string::npos) {
            return ::fnmatch(pattern.c_str(), name.c_str(), FNM_NOESCAPE) == 0;
        }
        const std::string from_top = pattern.substr(
            pattern.find_first_not_of('/') == std::string::npos ? 0
                                                                : pattern.find_first_not_of('/'));
        return ::fnmatch(from_top.c_str(), path.c_str(), FNM_NOESCAPE | FNM_PATHNAME) == 0;
    });
}

// Of a tar, what is excluded goes when all of it is known. The first name that remains of a file
// has its content.
void exclude(Tree& tree, const std::vector<std::string>& patterns) {
    const std::vector<std::size_t> parents = parents_of(tree);
    std::vector<bool> gone(tree.entries.size(), false);
    std::vector<std::size_t> places(tree.entries.size(), no_entry);
    std::vector<std::size_t> heirs(tree.entries.size(), no_entry);
    std::vector<Entry> kept;
    for (std::size_t i = 0; i < tree.entries.size(); ++i) {
        Entry& entry = tree.entries[i];
        gone[i] = i != 0 && (gone[parents[i]] || is_excluded(patterns, entry.path));
        if (gone[i]) continue;
        const std::size_t first = entry.link_to == no_entry ? i : entry.link_to;
        if (heirs[first] == no_entry) {
            heirs[first] = kept.size();
            entry.link_to = no_entry;
            entry.names = 1;
        } else {
            entry.link_to = heirs[first];
            ++kept[heirs[first]].names;
        }
        kept.push_back(std::move(entry));
    }
    tree.entries = std::move(kept);
}

struct Owner {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
};

Owner parse_owner(const std::string& text) {
    Owner owner;
    if (text == "root") return owner;
    const char* const end = text.data() + text.size();
    const auto user = std::from_chars(text.data(), end, owner.uid);
    if (user.ec == std::errc() && user.ptr != end && *user.ptr == ':') {
        const auto group = std::from_chars(user.ptr + 1, end, owner.gid);
        if (group.ec == std::errc() && group.ptr == end) return owner;
    }
    throw Error(ErrorKind::refused, {.file = "--owner"},
                fmt::format("is '{}', expected keep, root or UID:GID", text),
                "--owner 0:0 is the same as --owner root");
}

bool changes_tree(const MkfsArguments& arguments) {
    return arguments.owner != "keep" || !arguments.exclusions.empty() ||
           !arguments.file_contexts.empty();
}

std::string name_in_messages(const std::string& path) {
    return path.empty() ? std::string("the top of the tree") : printable(path);
}

void label(const Tool& tool, Tree& tree, const std::string& file_contexts) {
    if (file_contexts.empty()) return;
    const Labelling result = label_tree(tree, file_contexts);
    const auto tell = [&](std::uint64_t count, const std::string& first, const char* text) {
        if (count == 0) return;
        tool.note(fmt::format("note: {}: {} ({} {}, first: {})", file_contexts, text, count,
                              count == 1 ? "entry" : "entries", name_in_messages(first)));
    };
    tell(result.unlabelled, result.first_unlabelled, "has no label for some of the tree");
    tell(result.conflicts, result.first_conflict,
         "has other labels for further names of a file, which keeps that of its first name");
}

// True if an entry had a later time.
bool clamp_times(Tree& tree, const std::string& type, std::int64_t epoch) {
    bool changed = false;
    for (Entry& entry : tree.entries) {
        // mkfs.erofs gives all files the one time.
        const bool later = entry.modified > Timestamp{epoch, 0};
        if (!later && type != "erofs") continue;
        entry.modified = {epoch, 0};
        changed = changed || later;
    }
    return changed;
}

// What TYPE does not keep: a line for each kind, with -v one for each entry.
void report_losses(const Tool& tool, const MkfsArguments& arguments,
                   const std::vector<Loss>& losses) {
    for (const Loss& loss : losses) {
        const std::string text = fmt::format(
            "{}: {} ({} {}, first: {})", arguments.request.type, loss.text, loss.paths.size(),
            loss.paths.size() == 1 ? "entry" : "entries", name_in_messages(loss.paths.front()));
        if (arguments.strict) {
            throw Error(ErrorKind::refused, {.file = name_in_messages(loss.paths.front())}, text,
                        "leave --strict out to accept it, or take another TYPE");
        }
        // More than a rounded time is no matter for -q.
        if (!tool.common().quiet || !loss.is_fraction) {
            tool.world().say(fmt::format("note: {}\n", text));
        }
        if (!tool.common().verbose) continue;
        for (const std::string& path : loss.paths)
            tool.note(fmt::format("note: {}: {}", name_in_messages(path), loss.text));
    }
}

std::string hash_of_file(const std::string& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) throw io_error({.file = printable(path)}, "cannot open", errno);
    std::vector<char> buffer(std::size_t{1} << 20);
    Sha256 sha256;
    for (;;) {
        const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw io_error({.file = printable(path)}, "cannot read", errno);
        if (got == 0) return sha256.hex_digits();
        sha256.add(std::as_bytes(std::span(buffer.data(), static_cast<std::size_t>(got))));
    }
}

// The two trees have been found to have the same entries, but for what mkfs makes itself.
void check_contents(const Tool& tool, const Tree& tree, const FoundTree& found) {
    std::size_t b = 0;
    for (const Entry& entry : tree.entries) {
        while (found.tree.entries[b].path != entry.path)
            ++b;
        if (!entry.is(S_IFREG) || entry.link_to != no_entry) continue;
        throw_if_stopped(tool.stop());
        const std::string hash = found.content_hash(b);
        if (hash.empty()) {
            tool.note("note: contents are not compared: TYPE compresses them itself");
            return;
        }
        if (hash == hash_of_file(entry.content_path)) continue;
        throw Error(ErrorKind::damaged, {.file = printable(entry.path)},
                    "its content in the file system is not that of the tree",
                    "the file may have changed meanwhile: run it again");
    }
}

// Whether fakeroot does not show other programs what the files of the tree have.
bool hides_xattrs(const Tree& tree) {
    return below_fakeroot() &&
           std::any_of(tree.entries.begin(), tree.entries.end(),
                       [](const Entry& entry) { return !entry.xattrs.empty(); });
}

void check_fakeroot(const MkfsRequest& request) {
    if (!find_program("fakeroot").empty()) return;
    throw Error(ErrorKind::refused, {.file = request.type},
                "only root, or fakeroot, can make the directory that fills it",
                "install fakeroot, take another TYPE, or give a directory as it is");
}

// Whether btrfs is given files without their empty units. Then its trees must have no items for
// holes.
bool wants_squeezing(const Tool& tool, const MkfsRequest& request, const Tree& tree) {
    if (request.type != "btrfs" ||
        std::none_of(tree.entries.begin(), tree.entries.end(), has_empty_unit)) {
        return false;
    }
    const bool names_holes = std::any_of(
        request.options.begin(), request.options.end(),
        [](const std::string& option) { return option.find("no-holes") != std::string::npos; });
    const bool stages =
        can_stage_owners() || can_stage_without_root(tree) || !find_program("fakeroot").empty();
    if (!names_holes && stages) return true;
    tool.note("note: btrfs: holes are written out as zeros");
    return false;
}

}  // namespace

bool needs_fakeroot(const MkfsArguments& arguments) {
    const MkfsRequest& request = arguments.request;
    const bool stages = request.directory == "-" || changes_tree(arguments);
    if (request.directory.empty() || !traits_of(request.type)->from_directory ||
        request.type == "vfat" || !stages || can_stage_owners()) {
        return false;
    }
    check_fakeroot(request);
    return true;
}

int run_with_fakeroot(int argc, char** argv, const World& world) {
    // Owners that fakeroot has not heard of are the real ones; it only notes what it is asked to
    // change.
    Command command{{"fakeroot", "-u", "--", fs::read_symlink("/proc/self/exe").string()},
                    {"FAKEROOTDONTTRYCHOWN=1"}};
    command.arguments.insert(command.arguments.end(), argv + 1, argv + argc);
    return run_in_place(command, world);
}

Tree prepare_tree(const Tool& tool, const MkfsArguments& arguments, const Scratch& scratch) {
    const MkfsRequest& request = arguments.request;
    Tree tree;
    if (request.directory.empty()) return tree;
    const bool from_tar = request.directory == "-";
    if (from_tar) {
        const std::string contents = scratch.file("tar");
        fs::create_directory(contents);
        tree = read_tar(tool.world().input, contents, tool.stop());
        exclude(tree, arguments.exclusions);
    } else {
        tree = walk_directory(
            request.directory,
            [&](const std::string& path) { return is_excluded(arguments.exclusions, path); },
            tool.stop());
    }
    if (arguments.owner != "keep") {
        const Owner owner = parse_owner(arguments.owner);
        for (Entry& entry : tree.entries) {
            entry.uid = owner.uid;
            entry.gid = owner.gid;
        }
    }
    label(tool, tree, arguments.file_contexts);
    const bool clamped = request.epoch && clamp_times(tree, request.type, *request.epoch);
    const std::vector<Loss> losses =
        adapt_tree(tree, request.type, holds_of(request.type, request.options));
    const bool own_clamp = request.type == "squashfs" || request.type == "erofs";
    const StageHoles holes =
        wants_squeezing(tool, request, tree) ? StageHoles::squeeze : StageHoles::keep;
    const bool as_it_is =
        !from_tar && !changes_tree(arguments) && (!clamped || own_clamp) &&
        holes == StageHoles::keep && !hides_xattrs(tree) &&
        !(request.type == "btrfs" && tree.has_mounts) &&
        std::all_of(losses.begin(), losses.end(), [](const Loss& loss) { return loss.by_itself; });
    const bool stages = !as_it_is && traits_of(request.type)->from_directory;
    if (stages && request.type != "vfat" && !can_stage_owners() && !can_stage_without_root(tree)) {
        check_fakeroot(request);
        throw FakerootNeeded();
    }
    report_losses(tool, arguments, losses);
    if (!stages) return tree;
    const std::string directory = scratch.file("tree");
    fs::create_directory(directory);
    const bool owners = request.type != "vfat" && can_stage_owners();
    stage_tree(tree, directory, scratch.directory(),
               {owners ? StageOwners::yes : StageOwners::no, holes}, tool.stop());
    return tree;
}

void check_file_system(const Tool& tool, const MkfsArguments& arguments, const Tree& tree,
                       const std::string& file) {
    const MkfsRequest& request = arguments.request;
    std::string why_not;
    const std::optional<FoundTree> found = read_file_system(request.type, file, why_not);
    if (!found) {
        tool.note("note: the file system is not compared with the tree: " + why_not);
        return;
    }
    const Comparison result =
        compare_trees(tree, found->tree, holds_of(request.type, request.options));
    if (result.differences != 0) {
        if (tool.common().verbose) {
            for (const std::string& line : result.lines)
                tool.note(line);
        }
        throw Error(ErrorKind::damaged, {.file = result.first_path},
                    fmt::format("{}; {} of the tree did not get into the file system as asked for",
                                result.first_text,
                                result.differences == 1
                                    ? std::string("this")
                                    : fmt::format("this and {} more", result.differences - 1)),
                    "-v lists them, and shows what was run");
    }
    if (arguments.verify) check_contents(tool, tree, *found);
}

}  // namespace insitu::apps
