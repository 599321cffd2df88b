// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "attach/attach_arguments.hpp"
#include "attach/run_directory.hpp"
#include "common/process.hpp"

// From an image to a block device, and back.
namespace insitu::apps {

// Starts nbdkit over an image and waits until it answers. Throws `refused` Errors: nbdkit or its
// plugin is missing, or does not take the image.
ProcessId start_server(const AttachArguments& arguments, const ImageFolder& folder,
                       const StopFlag* stop);
// The server that a folder's pid file names; a pid of 0 if it is gone.
ProcessId server_of(const ImageFolder& folder);

// Makes a device (for who is not root: a file) of a served image and fills the state in; the folder
// holds what is known of it even if this throws a `refused` Error: there is no way to do that here.
void connect_device(const AttachArguments& arguments, const ImageFolder& folder, AttachState& state,
                    const StopFlag* stop);
// A partition of the device, as a device. The kernel may know of none (it was built so, or nobody
// makes their nodes): then it is a loop device of its own. Throws a `refused` Error if there is no
// such partition.
std::string partition_device(const AttachArguments& arguments, const ImageFolder& folder,
                             const AttachState& state, const StopFlag* stop);
// The devices of an image that are there: one (for who is not root: the file), and those of
// partition_device(). None if it was detached in part.
std::vector<std::string> devices_of(const ImageFolder& folder, const AttachState& state);
// The opposite, of a device that nobody uses. Throws a `refused` Error.
void disconnect_device(const ImageFolder& folder, const AttachState& state);

// Takes down what there is of an attached image, whatever state it is in: for an attach that
// failed, and after a server that is gone. Never throws; what it cannot end it leaves.
void dismantle(const ImageFolder& folder) noexcept;

}  // namespace insitu::apps
