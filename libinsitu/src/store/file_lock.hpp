// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "insitu/internal/store/block_device.hpp"

namespace insitu {

// Takes an OFD lock on a whole file, shared for readers, without waiting; it lasts as long as the
// descriptor. Throws a `refused` Error where another program holds a lock that conflicts.
void lock_file(int fd, const std::string& name, Access access);

// The lock for a file that another one is to be renamed over: exclusive, or shared if there are
// readers, who keep the old file. Throws a `refused` Error if another program writes to it.
void lock_replaced_file(int fd, const std::string& name);

}  // namespace insitu
