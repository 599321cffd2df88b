// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "insitu/internal/store/block_device.hpp"
#include "insitu/internal/store/unique_fd.hpp"
#include "store/loop_users.hpp"

namespace insitu {

// flock(2) on a whole disk, as everybody takes it who works on the disk or a partition of it. One
// process has one lock of a disk, however many of its partitions it opens: it would else lock
// itself out. Below a loop device the file is locked as well, against those who open it by its own
// name. Released with its last owner.
class DiskLock {
  public:
    // The lock of the disk with this node, exclusive where `access` is to write (a shared one is
    // then made exclusive). Null where the node may not be opened. Throws a `refused` Error that
    // names `device`, or the file below it, where another process holds the lock. Thread-safe.
    static std::shared_ptr<DiskLock> take(const std::string& disk, const std::string& device,
                                          Access access);

    DiskLock(UniqueFd fd, std::optional<BackingFile> file)
        : fd_(std::move(fd)), file_(std::move(file)) {}

  private:
    UniqueFd fd_;
    std::optional<BackingFile> file_;
    bool exclusive_ = false;
};

}  // namespace insitu
