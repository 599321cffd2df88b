#include "mkfs/commands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "mkfs/directory.hpp"

namespace insitu::apps {

namespace {

using Arguments = std::vector<std::string>;

constexpr std::array type_table{
    TypeTraits{"ext2", "mke2fs", "e2fsprogs", false},
    TypeTraits{"ext3", "mke2fs", "e2fsprogs", false},
    TypeTraits{"ext4", "mke2fs", "e2fsprogs", false},
    TypeTraits{"btrfs", "mkfs.btrfs", "btrfs-progs", false},
    TypeTraits{"xfs", "mkfs.xfs", "xfsprogs", false},
    TypeTraits{"vfat", "mkfs.vfat", "dosfstools", false},
    TypeTraits{"squashfs", "mksquashfs", "squashfs-tools", true},
    TypeTraits{"erofs", "mkfs.erofs", "erofs-utils", true},
};

void append(Arguments& list, const Arguments& more) {
    list.insert(list.end(), more.begin(), more.end());
}

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
    if (!extended.empty()) append(options, {"-E", extended});
    return options;
}

Arguments ext_arguments(const MkfsRequest& request, const TreeSummary& tree,
                        const std::string& file) {
    Arguments list{"mke2fs", "-q", "-F", "-t", request.type, "-b", "4096"};
    if (!request.uuid.empty()) append(list, {"-U", request.uuid});
    if (!request.directory.empty()) append(list, {"-d", request.directory});
    if (!request.size_bytes) {
        // As many inodes as the tree needs and --free is likely to.
        constexpr std::uint64_t spare = 64;
        constexpr std::uint64_t bytes_per_inode = 16384;
        append(list, {"-N", fmt::format("{}", tree.entries + tree.entries / 16 + spare +
                                                  request.free_bytes / bytes_per_inode)});
    }
    append(list,
           join_extended(request.options, request.uuid.empty() ? "" : "hash_seed=" + request.uuid));
    list.push_back(file);
    return list;
}

Arguments btrfs_arguments(const MkfsRequest& request, const std::string& file) {
    Arguments list{"mkfs.btrfs", "-q", "-f"};
    if (!request.uuid.empty()) append(list, {"-U", request.uuid});
    if (!request.directory.empty()) append(list, {"--rootdir", request.directory});
    append(list, request.options);
    list.push_back(file);
    return list;
}

Arguments xfs_arguments(const MkfsRequest& request, const std::string& file,
                        const std::string& protofile) {
    Arguments list{"mkfs.xfs", "-q", "-f"};
    if (!request.uuid.empty()) append(list, {"-m", "uuid=" + request.uuid});
    if (!request.directory.empty()) append(list, {"-p", protofile});
    append(list, request.options);
    list.push_back(file);
    return list;
}

std::vector<Command> vfat_commands(const MkfsRequest& request, const std::string& file) {
    Arguments list{"mkfs.vfat"};
    if (!request.uuid.empty()) append(list, {"-i", request.uuid.substr(0, 8)});
    append(list, request.options);
    list.push_back(file);
    std::vector<Command> commands{{list, {}}};
    if (request.directory.empty()) return commands;
    const auto entries = sorted_entries(request.directory);
    constexpr std::size_t entries_a_call = 500;
    for (std::size_t at = 0; at < entries.size(); at += entries_a_call) {
        Command copy{{"mcopy", "-s", "-p", "-m", "-Q", "-i", file}, {"MTOOLS_SKIP_CHECK=1"}};
        for (std::size_t i = at; i < std::min(at + entries_a_call, entries.size()); ++i)
            copy.arguments.push_back(entries[i]);
        copy.arguments.push_back("::/");
        commands.push_back(std::move(copy));
    }
    return commands;
}

Arguments squashfs_arguments(const MkfsRequest& request, const std::string& file) {
    Arguments list{"mksquashfs", request.directory, file, "-noappend", "-quiet", "-no-progress"};
    if (request.threads != 0) append(list, {"-processors", fmt::format("{}", request.threads)});
    append(list, request.options);
    return list;
}

Arguments erofs_arguments(const MkfsRequest& request, const std::string& file) {
    Arguments list{"mkfs.erofs", "--quiet"};
    if (!request.uuid.empty()) append(list, {"-U", request.uuid});
    if (!request.epoch.empty()) append(list, {"-T", request.epoch});
    append(list, request.options);
    append(list, {file, request.directory});
    return list;
}

}  // namespace

std::vector<std::string> file_system_types() {
    std::vector<std::string> names;
    for (const TypeTraits& traits : type_table)
        names.emplace_back(traits.type);
    return names;
}

const TypeTraits* traits_of(const std::string& type) {
    const auto found = std::find_if(type_table.begin(), type_table.end(),
                                    [&](const TypeTraits& traits) { return type == traits.type; });
    return found == type_table.end() ? nullptr : found;
}

std::vector<Command> mkfs_commands(const MkfsRequest& request, const TreeSummary& tree,
                                   const std::string& file, const std::string& protofile) {
    std::vector<Command> commands;
    if (request.type.starts_with("ext")) {
        commands = {{ext_arguments(request, tree, file), {}}};
        // mke2fs asks nothing with its output in a pipe; its clock is the one of the epoch.
        if (!request.epoch.empty()) {
            commands[0].environment = {"E2FSPROGS_FAKE_TIME=" + request.epoch};
        }
    } else if (request.type == "btrfs") {
        commands = {{btrfs_arguments(request, file), {}}};
    } else if (request.type == "xfs") {
        commands = {{xfs_arguments(request, file, protofile), {}}};
    } else if (request.type == "vfat") {
        commands = vfat_commands(request, file);
    } else if (request.type == "squashfs") {
        commands = {{squashfs_arguments(request, file), {}}};
    } else {
        commands = {{erofs_arguments(request, file), {}}};
    }
    for (Command& command : commands) {
        command.arguments.insert(command.arguments.begin(), request.wrapper.begin(),
                                 request.wrapper.end());
    }
    return commands;
}

}  // namespace insitu::apps
