// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <string>

#include "insitu/internal/store/unique_fd.hpp"
#include "insitu/store.hpp"

namespace insitu {

enum class Access { read, read_write };

class DiskLock;

// What others may do with a device or file while it is open here.
enum class Sharing {
    exclusive,  // readers may meet readers; a writer meets nobody
    shared,     // take no lock: the user says that he knows (--force-share)
};

// A block device. Writes use O_DIRECT in whole sectors, so a payload of three sectors costs three
// sectors of writing. Through the page cache the kernel would first read the rest of each page
// (docs/format.md §5). Reads use the page cache until drop_cache() is called.
class INSITU_API BlockDevice final : public Store {
  public:
    // Opens with O_EXCL (a mounted or held device is refused) and holds flock(2) on the whole disk.
    // Throws `io` and `refused` Errors.
    BlockDevice(const std::string& path, Access access, Sharing sharing);

    std::uint64_t size_bytes() const override { return size_bytes_; }
    void read_at(std::uint64_t at_byte, ByteSpan output) const override;
    void write_at(std::uint64_t at_byte, ByteView input) override;
    std::unique_ptr<WriteQueue> write_queue() override;
    void zero(std::uint64_t at_byte, std::uint64_t length_bytes) override;
    void discard(std::uint64_t at_byte, std::uint64_t length_bytes) override;
    void sync() override;
    std::size_t alignment_bytes() const noexcept override { return logical_sector_bytes_; }
    void drop_cache() const override;

    unsigned logical_sector_bytes() const noexcept { return logical_sector_bytes_; }
    int fd() const noexcept { return cached_.get(); }

  private:
    void lock_whole_disk(Access access);

    UniqueFd cached_;
    UniqueFd direct_;
    std::shared_ptr<DiskLock> disk_lock_;
    std::uint64_t size_bytes_ = 0;
    unsigned logical_sector_bytes_ = 0;
    mutable bool read_direct_ = false;
};

}  // namespace insitu
