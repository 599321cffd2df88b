#include "mkfs/protofile.hpp"

#include <fmt/format.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "insitu/error.hpp"
#include "mkfs/directory.hpp"

namespace insitu::apps {

namespace fs = std::filesystem;

namespace {

class ProtofileWriter {
  public:
    explicit ProtofileWriter(const std::string& path) : output_(path) {}

    void write(const fs::path& top) {
        // The boot file and two counts that mkfs.xfs skips.
        output_ << "/dev/null\n0 0\n" << mode_text(status_of(top)) << '\n';
        write_entries(top);
        if (!output_.flush()) throw io_error({.file = top}, "cannot write its prototype", errno);
    }

  private:
    static std::string mode_text(const struct stat& status) {
        const char kind = S_ISDIR(status.st_mode)    ? 'd'
                          : S_ISLNK(status.st_mode)  ? 'l'
                          : S_ISCHR(status.st_mode)  ? 'c'
                          : S_ISBLK(status.st_mode)  ? 'b'
                          : S_ISFIFO(status.st_mode) ? 'p'
                                                     : '-';
        constexpr mode_t permissions = 0777;
        return fmt::format("{}{}{}{:03o} {} {}", kind, (status.st_mode & S_ISUID) != 0 ? 'u' : '-',
                           (status.st_mode & S_ISGID) != 0 ? 'g' : '-',
                           status.st_mode & permissions, status.st_uid, status.st_gid);
    }

    static std::string word(const fs::path& path, const std::string& text) {
        if (text.find_first_of(" \t\n") == std::string::npos) return text;
        throw Error(ErrorKind::refused, {.file = path},
                    "mkfs.xfs can fill a file system only with names that have no white space",
                    "make it without -d, unpack it, mount it, and copy the files");
    }

    void write_entries(const fs::path& directory) {
        for (const fs::path& path : sorted_entries(directory))
            write_entry(path);
        output_ << "$\n";
    }

    void write_entry(const fs::path& path) {
        const struct stat status = status_of(path);
        if (S_ISSOCK(status.st_mode)) {
            throw Error(ErrorKind::refused, {.file = path}, "mkfs.xfs cannot make a socket");
        }
        output_ << word(path, path.filename().string()) << ' ' << mode_text(status);
        if (S_ISREG(status.st_mode)) {
            output_ << ' ' << word(path, fs::absolute(path).string());
        } else if (S_ISLNK(status.st_mode)) {
            output_ << ' ' << word(path, fs::read_symlink(path).string());
        } else if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) {
            output_ << ' ' << major(status.st_rdev) << ' ' << minor(status.st_rdev);
        }
        output_ << '\n';
        if (S_ISDIR(status.st_mode)) write_entries(path);
    }

    std::ofstream output_;
};

}  // namespace

void write_protofile(const std::string& directory, const std::string& protofile) {
    ProtofileWriter(protofile).write(directory);
}

}  // namespace insitu::apps
