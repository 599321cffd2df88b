// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "common/process.hpp"

// What the host has: mounts, loop devices, programs.
namespace insitu::apps {

struct Mount {
    std::string source;
    std::string point;
};
// Throws a `refused` Error if /proc or /sys is not mounted: a server that runs would be taken for
// one that is gone, and a device that is in use for a free one.
void require_views_of_the_kernel();
// Everything that is mounted, in the order in which it was.
std::vector<Mount> all_mounts();
// Where some disks or partitions of them are mounted, the last one first.
std::vector<std::string> mount_points_of(const std::vector<std::string>& devices);
bool is_mount_point(const std::string& directory);
// A space, a tab, a line's end and a backslash are \ooo in mountinfo and fstab.
std::string unescape_octal(const std::string& text);
// "/dev/loop3p1" is a part of "/dev/loop3", and so is "/dev/loop3" itself.
bool is_part_of(const std::string& device, const std::string& whole);

// The loop devices over a file, by its name.
std::vector<std::string> loop_devices_over(const std::string& file);
// Whether something else has the device for itself: a mapping, swap, an array.
bool is_held(const std::string& device);

// An absolute name without links, also of what does not exist.
std::string real_name(const std::string& path);
std::string first_line_of(const std::string& file);
// False: it did not come true within that time.
bool wait_until(const std::function<bool()>& condition, std::chrono::milliseconds patience);

// Runs a program; its output is the error if it fails. Throws a `refused` Error then.
std::string run_or_throw(const Command& command, const std::string& file, const StopFlag* stop);
// Unmounts without the helper, which would come back here.
CommandResult unmount(const std::string& point, const std::vector<std::string>& options = {});

}  // namespace insitu::apps
