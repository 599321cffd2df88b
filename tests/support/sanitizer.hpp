// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

// The thread sanitizer makes code 10 to 20 times as slow, and sees a race in the first pair of
// accesses that nothing orders: what counts is which threads meet, not how often. So tests go
// through fewer rounds of the same under it.
namespace insitu::test {

#if defined(__SANITIZE_THREAD__)
inline constexpr bool under_thread_sanitizer = true;
#elif defined(__has_feature)
inline constexpr bool under_thread_sanitizer = __has_feature(thread_sanitizer);
#else
inline constexpr bool under_thread_sanitizer = false;
#endif

// The address sanitizer triples the time, and looks at every access of every round. A loop over the
// same few lines at many places then takes every third of them, one of chance a third of the
// rounds; the release build makes all.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool under_address_sanitizer = true;
#elif defined(__has_feature)
inline constexpr bool under_address_sanitizer = __has_feature(address_sanitizer);
#else
inline constexpr bool under_address_sanitizer = false;
#endif
inline constexpr unsigned sanitized_step =
    under_thread_sanitizer || under_address_sanitizer ? 3 : 1;

// So many rounds of a loop whose rounds differ in nothing but chance: at least one.
constexpr std::uint64_t rounds_of(std::uint64_t count) noexcept {
    constexpr std::uint64_t divisor = under_thread_sanitizer ? 8 : under_address_sanitizer ? 3 : 1;
    return (count + divisor - 1) / divisor;
}

}  // namespace insitu::test
