// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/intake.hpp"

namespace insitu {

void Intake::stage(const WindowPart& part, const std::byte* content) {
    for (;;) {
        switch (staging_.write(part, content)) {
            case Staging::Result::staged:
                return;
            case Staging::Result::commit_now:
                return committer_.commit_all();
            case Staging::Result::commit_first:
                committer_.make_room();
        }
    }
}

void Intake::write(const WindowPart& part, const std::byte* content) {
    constexpr std::uint64_t commit_parts = 4;
    committer_.check_failed();
    if (space_.cramped()) {
        const std::lock_guard lock(cramped_mutex_);
        stage(part, content);
    } else {
        stage(part, content);
    }
    background_.written(part.window);
    if (space_.waiting_bytes() > space_.limit_bytes() / commit_parts) background_.wake();
}

void Intake::look_at_host(std::uint64_t written_bytes) {
    constexpr std::uint64_t look_every_bytes = std::uint64_t{256} << 10;
    if ((unlooked_bytes_ += written_bytes) < look_every_bytes) return;
    unlooked_bytes_ = 0;
    const auto free = medium_.store().free_bytes();
    if (free && *free < space_.waiting_bytes()) committer_.commit_all();
}

}  // namespace insitu
