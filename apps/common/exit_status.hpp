// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace insitu::apps {

// Exit statuses of every tool but insitu-fsck, which has those of fsck(8).
inline constexpr int exit_done = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;

}  // namespace insitu::apps
