#include "mkfs/directory.hpp"

#include <algorithm>
#include <cerrno>

#include "insitu/error.hpp"

namespace insitu::apps {

namespace fs = std::filesystem;

std::vector<fs::path> sorted_entries(const fs::path& directory) {
    std::vector<fs::path> paths;
    std::error_code failed;
    for (fs::directory_iterator it(directory, failed), end; !failed && it != end;
         it.increment(failed)) {
        paths.push_back(it->path());
    }
    if (failed) throw io_error({.file = directory}, "cannot read", failed.value());
    std::sort(paths.begin(), paths.end());
    return paths;
}

struct stat status_of(const fs::path& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
        throw io_error({.file = path}, "cannot look at", errno);
    }
    return status;
}

void walk_tree(const fs::path& root,
               const std::function<void(const fs::path&, const struct stat&)>& visit) {
    for (const fs::path& path : sorted_entries(root)) {
        const struct stat status = status_of(path);
        visit(path, status);
        if (S_ISDIR(status.st_mode)) walk_tree(path, visit);
    }
}

}  // namespace insitu::apps
