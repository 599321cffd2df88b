#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <functional>
#include <vector>

namespace insitu::apps {

// What stands in a directory, in the order of the names. Throws an `io` Error that names what
// cannot be read, as all of these do.
std::vector<std::filesystem::path> sorted_entries(const std::filesystem::path& directory);

// What a path itself is, links not followed.
struct stat status_of(const std::filesystem::path& path);

// Calls `visit` for everything below `root`, a directory before what it holds, in the order of the
// names. Links are not followed.
void walk_tree(const std::filesystem::path& root,
               const std::function<void(const std::filesystem::path&, const struct stat&)>& visit);

}  // namespace insitu::apps
