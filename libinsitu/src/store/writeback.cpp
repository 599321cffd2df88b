// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/writeback.hpp"

#include <algorithm>
#include <system_error>

namespace insitu {

Writeback::Writeback(Store& store) : store_(store) {
    try {
        thread_ = std::thread([this] { run(); });
    } catch (const std::system_error&) {
        // The system gives no more threads: all is left to the store's sync.
    }
}

Writeback::~Writeback() {
    {
        const std::lock_guard guard(mutex_);
        ending_ = true;
    }
    changed_.notify_one();
    if (thread_.joinable()) thread_.join();
}

// Ranges that come while the thread is busy are joined: memory stays the same, and pages between
// them that are clean cost nothing.
void Writeback::written(std::uint64_t at_byte, std::uint64_t length_bytes) {
    {
        const std::lock_guard guard(mutex_);
        const bool empty = start_ == end_;
        start_ = empty ? at_byte : std::min(start_, at_byte);
        end_ = empty ? at_byte + length_bytes : std::max(end_, at_byte + length_bytes);
    }
    changed_.notify_one();
}

void Writeback::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [&] { return ending_ || start_ != end_; });
        if (ending_) return;
        const std::uint64_t start = start_;
        const std::uint64_t length = end_ - start_;
        start_ = end_;
        lock.unlock();
        store_.start_writeback(start, length);
        lock.lock();
    }
}

}  // namespace insitu
