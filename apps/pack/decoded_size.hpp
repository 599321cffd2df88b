// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "insitu/internal/engine/control.hpp"
#include "insitu/store.hpp"

namespace insitu::apps {

// How many bytes a compressed file says that it holds, without decoding it. It is what the file
// says: who decodes it has to compare.

// By the headers of all frames of a zstd file; none if one of them does not say, or the file is not
// what its headers lead to: that is for the decoder to tell. Throws `io` and `cancelled` Errors.
std::optional<std::uint64_t> zstd_content_bytes(const Store& store, const StopFlag* stop);

// By the index of each stream of an xz file, which xz(1) reads; none if it cannot.
std::optional<std::uint64_t> xz_content_bytes(const std::string& path, const StopFlag* stop);

}  // namespace insitu::apps
