// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <exception>
#include <utility>

namespace insitu {

// What every write queue promises: of the writes that failed, the error of the lowest place. Not
// thread-safe.
class LowestFailure {
  public:
    void keep(std::uint64_t at_byte, std::exception_ptr failure) noexcept {
        if (failure_ != nullptr && failed_at_byte_ <= at_byte) return;
        failure_ = std::move(failure);
        failed_at_byte_ = at_byte;
    }
    // Throws it, if there is one, and forgets it.
    void rethrow() {
        if (failure_ != nullptr) std::rethrow_exception(std::exchange(failure_, nullptr));
    }

  private:
    std::exception_ptr failure_;
    std::uint64_t failed_at_byte_ = 0;
};

}  // namespace insitu
