// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <type_traits>

#include "insitu.h"
#include "insitu/error.hpp"
#include "insitu/internal/engine/control.hpp"
#include "insitu/internal/engine/stop_check.hpp"
#include "insitu/internal/face/name_image.hpp"
#include "insitu/open_image.hpp"
#include "insitu/pack.hpp"
#include "insitu/target.hpp"

// What the handles of insitu.h are, and how its functions meet the library's.

struct insitu_error {
    int code = INSITU_INTERNAL;
    int os_error = 0;
    std::string text;
    std::string hint;
    insitu::Place place;
};

struct insitu_stop {
    insitu::StopFlag flag;
};

struct insitu_image {
    insitu::OpenedImage opened;
};

namespace insitu::capi {

int code_of(ErrorKind kind) noexcept;

// Sets *error, if the caller wants it, to the exception that is being handled; returns its code.
// For catch (...) blocks.
int catch_error(insitu_error** error) noexcept;

// Runs `work`; an exception becomes a code and *error.
template <class Work>
int guard(insitu_error** error, Work work) noexcept {
    if (error != nullptr) *error = nullptr;
    try {
        work();
        return INSITU_OK;
    } catch (...) {
        return catch_error(error);
    }
}

[[noreturn]] void refuse(const std::string& text);

// Throws a `refused` Error for a NULL that must not be one.
template <class Pointer>
Pointer require(Pointer pointer, const char* name) {
    if (pointer == nullptr) refuse(std::string(name) + " is NULL");
    return pointer;
}

// Throws a `refused` Error for a struct of a later version whose new fields are used.
void require_known(const void* given, std::size_t given_bytes, std::size_t known_bytes);

// The caller's options by this version's struct; all 0 for NULL. Throws a `refused` Error for a
// size that makes no sense, or a later version's field that is used.
template <class Options>
Options read_options(const Options* given) {
    static_assert(std::is_trivially_copyable_v<Options>);
    Options options{};
    if (given == nullptr) return options;
    require_known(given, given->size, sizeof options);
    std::memcpy(&options, given, std::min(given->size, sizeof options));
    return options;
}

// Fills as much of the caller's struct as it has; its size stays. NULL: not wanted.
template <class Result>
void write_result(Result* target, Result result) {
    static_assert(std::is_trivially_copyable_v<Result>);
    if (target == nullptr) return;
    const std::size_t size = target->size;
    if (size < sizeof size) refuse("a struct has no size: use its INIT macro");
    result.size = size;
    std::memcpy(target, &result, std::min(size, sizeof result));
}

// One of `count` values of an enum that starts with 0; throws a `refused` Error otherwise.
unsigned choice(std::uint32_t value, unsigned count, const char* name);

Level level_of(std::uint32_t level);
Algorithm algorithm_of(std::uint32_t algorithm);
PendingPolicy pending_of(std::uint32_t pending);
Sharing sharing_of(std::uint32_t sharing);
Target::Overwrite overwrite_of(std::uint32_t force);
ExtentPolicy extents_of(std::uint32_t blocks);
// UUID and label as texts; NULL: no change. Throws a `refused` Error for what cannot be a name.
NameChange name_change(const char* uuid, const char* label);

void refuse_same_storage(const std::string& source, const std::string& target);
// What no payload of an image uses, to the host; the last step of what writes to one in place.
void give_holes_back(Store& image);

// A caller's insitu_control as a Control.
class Run final : private Progress {
  public:
    explicit Run(const insitu_control* given);
    Control control() noexcept {
        return {options_.threads, stop_, options_.progress ? this : nullptr};
    }
    void stop() noexcept;

  private:
    void begin(std::uint64_t total_bytes) noexcept override;
    void advance(std::uint64_t done_bytes) noexcept override;
    void syncing() noexcept override {}
    void report() noexcept;

    insitu_control options_;
    insitu_stop own_;
    StopFlag* stop_;
    std::mutex mutex_;
    std::uint64_t done_bytes_ = 0;
    std::uint64_t total_bytes_ = 0;
};

}  // namespace insitu::capi
