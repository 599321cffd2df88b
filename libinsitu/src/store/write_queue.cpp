// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/store/write_queue.hpp"

namespace insitu {

WriteQueue::~WriteQueue() = default;

}  // namespace insitu
