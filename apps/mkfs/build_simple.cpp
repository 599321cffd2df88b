// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "mkfs/builder.hpp"

namespace insitu::apps {

namespace {

bool has_holes(const Tree& tree) {
    return std::any_of(tree.entries.begin(), tree.entries.end(), [](const Entry& entry) {
        std::uint64_t data = 0;
        for (const DataRange& range : entry.data)
            data += range.length_bytes;
        constexpr std::uint64_t worth_it = mib;
        return data + worth_it <= entry.size_bytes;
    });
}

}  // namespace

void build_squashfs(Builder& builder) {
    const MkfsRequest& request = builder.request();
    std::filesystem::remove(builder.file());
    Arguments list{"mksquashfs",  builder.tree().directory, builder.file(), "-noappend", "-quiet",
                   "-no-progress"};
    if (request.threads != 0) append(list, {"-processors", fmt::format("{}", request.threads)});
    append(list, request.options);
    Command command{list, {}};
    if (request.epoch) {
        command.environment.push_back(fmt::format("SOURCE_DATE_EPOCH={}", *request.epoch));
    }
    builder.run_or_refuse(command);
    builder.settle_size();
}

void build_erofs(Builder& builder) {
    const MkfsRequest& request = builder.request();
    std::filesystem::remove(builder.file());
    Arguments list{"mkfs.erofs", "--quiet"};
    if (!request.uuid.empty()) append(list, {"-U", request.uuid});
    if (request.epoch) append(list, {"-T", fmt::format("{}", *request.epoch)});
    const bool compresses = !option_value(request.options, "-z").empty();
    // Only files in chunks have holes; other ones are written out.
    if (has_holes(builder.tree()) && !compresses) append(list, {"--chunksize=1048576"});
    append(list, request.options);
    append(list, {builder.file(), builder.tree().directory});
    builder.run_or_refuse({list, {}});
    builder.settle_size();
}

}  // namespace insitu::apps
