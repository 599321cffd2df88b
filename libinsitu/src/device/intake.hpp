// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <mutex>

#include "device/background.hpp"

namespace insitu {

// How written content gets into memory: what it waits for where room is short. Thread-safe.
class Intake {
  public:
    Intake(const Medium& medium, RedoSpace& space, Staging& staging, Committer& committer,
           Background& background)
        : medium_(medium),
          space_(space),
          staging_(staging),
          committer_(committer),
          background_(background) {}

    // Stages a part of a window, after the commits that it needs. No `content`: unmap. Throws the
    // Error of an earlier commit that failed, and those of its own.
    void write(const WindowPart& part, const std::byte* content);
    // After so many bytes of content: commits where the host has no room for what waits. That has
    // been acknowledged, and whoever writes should hear of it, not whoever flushes later.
    void look_at_host(std::uint64_t written_bytes);

  private:
    void stage(const WindowPart& part, const std::byte* content);

    const Medium& medium_;
    RedoSpace& space_;
    Staging& staging_;
    Committer& committer_;
    Background& background_;
    std::mutex cramped_mutex_;  // one change at a time while the journal has hardly any room
    std::atomic<std::uint64_t> unlooked_bytes_{0};  // written since the host's space was looked at
};

}  // namespace insitu
