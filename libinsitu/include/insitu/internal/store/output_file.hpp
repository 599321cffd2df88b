// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <string>

#include "insitu/internal/store/file_store.hpp"

namespace insitu {

struct OutputOptions {
    // What to do if no other file can be renamed over an existing one that holds something (it is a
    // mount point, or nothing can be created beside it): refuse, or write into the file itself,
    // whose old content is then lost with the first write. An empty file has nothing to lose and is
    // written in place in any case.
    enum class InPlace { refuse, allow } in_place = InPlace::refuse;
    // The permissions that a new file gets at most, beside what the umask takes: those of the file
    // that its content comes from. A file that is replaced passes on its own.
    unsigned mode_limit = 0666;
};

// A regular file that appears under its name only when it is complete: it is written without a name
// in the same directory (or under a temporary one, if the file system or a missing /proc asks for
// it), and commit() syncs it and puts it in the place of what was there. Destroyed without
// commit(), nothing is left.
class INSITU_API OutputFile {
  public:
    // Refuses a path that is neither missing nor a regular file, a missing node below /dev, and a
    // file that another program writes or serves. Whatever would keep commit() from giving the file
    // its name is tried here. Throws `io` and `refused` Errors.
    OutputFile(const std::string& path, std::uint64_t size_bytes, OutputOptions options = {});
    ~OutputFile();
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;

    // To be called before the first write into a file that is_in_place(): cuts what it held.
    void prepare();
    FileStore& store() noexcept { return *store_; }
    // Whether an existing file is written itself; its old content is lost after prepare().
    bool is_in_place() const noexcept { return in_place_; }
    // Throws an `io` Error also if the file has its name, but the directory cannot be synced.
    void commit();

  private:
    void open_replaced();
    void create(const OutputOptions& options);
    void create_named(const OutputOptions& options);
    void write_in_place(const OutputOptions& options, const std::string& reason, int cause);
    void give_name();
    void sync_directory() const;
    std::string temporary_prefix() const;

    std::string shown_name_;
    std::string path_;  // links resolved
    std::string directory_;
    std::uint64_t size_bytes_;
    std::string temporary_;  // empty while the file has no name
    UniqueFd replaced_;      // holds the lock of the file that is to be replaced
    bool in_place_ = false;
    bool changed_ = false;  // in place: its old content is gone
    std::unique_ptr<FileStore> store_;
};

}  // namespace insitu
