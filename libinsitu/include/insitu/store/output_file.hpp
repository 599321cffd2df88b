#pragma once

#include <memory>
#include <string>

#include "insitu/store/file_store.hpp"

namespace insitu {

// A regular file that appears under its name only when it is complete: it is written without a name
// in the same directory (where the file system can), and commit() syncs it and puts it in the
// place of what was there. Destroyed without commit(), nothing is left behind.
class INSITU_API OutputFile {
  public:
    // Refuses a path that is neither missing nor a regular file, and one that another program has
    // open as an image. Throws `io` and `refused` Errors.
    OutputFile(const std::string& path, std::uint64_t size_bytes);
    ~OutputFile();
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;

    FileStore& store() noexcept { return *store_; }
    void commit();

  private:
    void create();
    void give_name();

    std::string shown_name_;
    std::string path_;  // links resolved
    std::string directory_;
    std::string temporary_;  // empty while the file has no name
    UniqueFd replaced_;      // holds the lock of the file that is to be replaced
    std::unique_ptr<FileStore> store_;
};

}  // namespace insitu
