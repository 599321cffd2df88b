// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/ops/content_sink.hpp"

namespace insitu {

ContentSink::~ContentSink() = default;

}  // namespace insitu
