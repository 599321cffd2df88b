#include "mkfs/scratch.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>

#include "common/temporary_file.hpp"
#include "insitu/error.hpp"
#include "insitu/store/open.hpp"

namespace insitu::apps {

namespace fs = std::filesystem;

Scratch::Scratch(const std::string& target) {
    fs::path parent = fs::absolute(target).parent_path();
    if (node_kind(target) == NodeKind::block_device) {
        parent = temporary_directory("/var/tmp");
    }
    std::string pattern =
        parent / fmt::format(".{}.mkfs-XXXXXX", fs::path(target).filename().string());
    if (::mkdtemp(pattern.data()) == nullptr) {
        throw io_error({.file = parent}, "cannot create a temporary directory", errno);
    }
    directory_ = pattern;
}

Scratch::~Scratch() {
    // An unpacked tar may hold directories that even their owner may not write to.
    std::error_code ignored;
    for (fs::recursive_directory_iterator it(directory_, ignored), end; !ignored && it != end;
         it.increment(ignored)) {
        std::error_code failed;
        if (!it->is_symlink(failed) && it->is_directory(failed)) {
            fs::permissions(it->path(), fs::perms::owner_all, fs::perm_options::add, failed);
        }
    }
    fs::remove_all(directory_, ignored);
}

}  // namespace insitu::apps
