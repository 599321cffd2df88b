// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "insitu/store.hpp"

namespace insitu {

// Has what was written to a store sent to the medium while others go on working, by a thread of its
// own: a final sync then finds little left to wait for. Only a hint: errors are met by that sync.
class Writeback {
  public:
    explicit Writeback(Store& store);
    // Waits for the call that is under way; what is still pending is left to the store's sync.
    ~Writeback();
    Writeback(const Writeback&) = delete;
    Writeback& operator=(const Writeback&) = delete;

    // Bytes [at_byte, at_byte + length_bytes) have been written. Thread-safe; never waits.
    void written(std::uint64_t at_byte, std::uint64_t length_bytes);

  private:
    void run();

    Store& store_;
    std::mutex mutex_;  // guards what follows
    std::condition_variable changed_;
    std::uint64_t start_ = 0;  // the range that covers all that is pending
    std::uint64_t end_ = 0;    // where nothing is: start_ == end_
    bool ending_ = false;
    std::thread thread_;
};

}  // namespace insitu
