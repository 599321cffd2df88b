// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <string>

#include "insitu/internal/api.hpp"
#include "insitu/internal/store/block_device.hpp"
#include "insitu/store.hpp"

namespace insitu {

// Whether a path is an NBD URI: nbd://, nbds://, nbd+unix://, nbds+unix://, nbd+vsock://, …
INSITU_API bool is_nbd_uri(const std::string& path) noexcept;

// An export of an NBD server. Reads and writes of any position and length that the server takes;
// as many connections as threads ask for, up to 4, and one more for each write queue, with 16
// writes under way in each, if the server says that this is safe; else one. Ranges that the server
// knows to be zeros are holes. sync() is a flush. There is no lock: a server serves whom it likes.
// Throws `io` Errors if the server cannot be reached or answers with one, `refused` ones to write
// to an export that is read-only or takes no sectors of 512 bytes, and for a library built without
// libnbd. `shown_name` is what messages call it: by default the URI.
[[nodiscard]] INSITU_API std::unique_ptr<Store> open_nbd(const std::string& uri, Access access,
                                                         const std::string& shown_name = {});

}  // namespace insitu
