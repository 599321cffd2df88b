#pragma once

#include <memory>
#include <string>

#include "insitu/store/block_device.hpp"
#include "insitu/store/unique_fd.hpp"

namespace insitu {

// flock(2) on a whole disk, as everybody takes it who works on the disk or a partition of it. One
// process has one lock of a disk, however many of its partitions it opens: it would else lock
// itself out. Released with its last owner.
class DiskLock {
  public:
    // The lock of the disk with this node, exclusive where `access` is to write (a shared one is
    // then made exclusive). Null where the node may not be opened. Throws a `refused` Error that
    // names `device` where another process holds the lock. Thread-safe.
    static std::shared_ptr<DiskLock> take(const std::string& disk, const std::string& device,
                                          Access access);

    explicit DiskLock(UniqueFd fd) : fd_(std::move(fd)) {}

  private:
    UniqueFd fd_;
    bool exclusive_ = false;
};

}  // namespace insitu
