// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "insitu/units.hpp"

namespace insitu {

// Which windows had an extent cut since the device was opened: one that is cut a second time is
// being written at random. It may be wrong, which costs space or time and nothing else: windows
// share 2^18 bits (32 KiB), all of which are cleared once a half are set. Thread-safe.
class CutHistory {
  public:
    bool was_cut(WindowIndex window) const noexcept {
        return (word_of(window).load(std::memory_order_relaxed) & bit_of(window)) != 0;
    }
    void add(WindowIndex window) noexcept {
        const std::uint64_t old =
            word_of(window).fetch_or(bit_of(window), std::memory_order_relaxed);
        if ((old & bit_of(window)) != 0) return;
        if (count_.fetch_add(1, std::memory_order_relaxed) < bits / 2) return;
        for (auto& word : words_)
            word.store(0, std::memory_order_relaxed);
        count_.store(0, std::memory_order_relaxed);
    }

  private:
    static constexpr std::uint64_t bits = std::uint64_t{1} << 18;
    static constexpr std::uint64_t word_bits = 64;
    using Word = std::atomic<std::uint64_t>;

    Word& word_of(WindowIndex window) noexcept { return words_[window.value % bits / word_bits]; }
    const Word& word_of(WindowIndex window) const noexcept {
        return words_[window.value % bits / word_bits];
    }
    static std::uint64_t bit_of(WindowIndex window) noexcept {
        return std::uint64_t{1} << window.value % word_bits;
    }

    std::array<Word, bits / word_bits> words_{};
    std::atomic<std::uint64_t> count_{0};
};

}  // namespace insitu
