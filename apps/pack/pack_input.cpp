#include "pack/pack_input.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "insitu/error.hpp"
#include "insitu/store/open.hpp"

namespace insitu::apps {

namespace {

// /dev/zero, full, random and urandom: to store them first would never end.
void refuse_endless(int fd, const std::string& name) {
    constexpr unsigned memory_devices = 1;
    constexpr std::array endless_minors{5U, 7U, 8U, 9U};
    struct stat status {};
    if (::fstat(fd, &status) != 0 || !S_ISCHR(status.st_mode)) return;
    if (major(status.st_rdev) != memory_devices ||
        std::find(endless_minors.begin(), endless_minors.end(), minor(status.st_rdev)) ==
            endless_minors.end()) {
        return;
    }
    throw Error(ErrorKind::refused, {.file = name}, "gives bytes without end",
                "head -c SIZE takes a part of it");
}

PackInput open_stream(const Tool& tool, const std::string& path,
                      std::optional<std::uint64_t> limit_bytes,
                      const std::string& spool_directory) {
    PackInput input;
    const bool is_stdin = path == "-";
    const std::string name = is_stdin ? "standard input" : path;
    if (is_stdin && ::isatty(STDIN_FILENO) == 1) {
        throw Error(ErrorKind::refused, {.file = name}, "an image is not typed in at a terminal",
                    "redirect a file or a pipe to it");
    }
    input.stream =
        UniqueFd(is_stdin ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!input.stream) throw io_error({.file = name}, "cannot open", errno);
    refuse_endless(input.stream.get(), name);
    if (limit_bytes) {
        input.source = make_stream_source(input.stream.get(), name, *limit_bytes, tool.stop());
        return input;
    }
    // Where the data starts follows from the size, so a stream of unknown size is stored first.
    input.store = spool_stream(input.stream.get(), name, spool_directory, tool.stop());
    input.source = make_source(*input.store);
    return input;
}

}  // namespace

bool is_stream(const std::string& path) {
    return path == "-" || node_kind(path) == NodeKind::stream;
}

PackInput open_pack_input(const Tool& tool, const std::string& path,
                          std::optional<std::uint64_t> limit_bytes,
                          const std::string& spool_directory) {
    if (is_stream(path)) return open_stream(tool, path, limit_bytes, spool_directory);
    PackInput input;
    input.store = open_store(path, Access::read, tool.sharing());
    input.source =
        make_source(*input.store,
                    tool.sharing() == Sharing::shared ? SourceSize::may_change : SourceSize::fixed);
    return input;
}

}  // namespace insitu::apps
