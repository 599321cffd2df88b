// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "insitu/internal/api.hpp"
#include "insitu/internal/store/block_device.hpp"
#include "insitu/store.hpp"

namespace insitu {

// `remote`: an NBD URI.
enum class NodeKind { missing, regular_file, block_device, stream, directory, remote };

// What a path leads to, links followed; a FIFO, socket or character device is a stream. Throws an
// `io` Error where the path cannot be looked up.
INSITU_API NodeKind node_kind(const std::string& path);

// An open store, owned. While it is a temporary it cannot be dereferenced: what would be made of
// *open_store(…) outlived it.
class [[nodiscard]] OwnedStore : public std::unique_ptr<Store> {
  public:
    OwnedStore(std::unique_ptr<Store> store) noexcept : std::unique_ptr<Store>(std::move(store)) {}
    Store& operator*() const& noexcept { return *get(); }
    Store& operator*() const&& = delete;
};

// Opens an existing regular file, block device or NBD URI. Image files are locked with an OFD lock
// over the whole file (shared for readers) and refused while a loop device over them is in use,
// devices are treated as BlockDevice says. Throws `io` and `refused` Errors.
INSITU_API OwnedStore open_store(const std::string& path, Access access,
                                 Sharing sharing = Sharing::exclusive);

// Whether two paths lead to one file or device, or one lies on the other, any number deep: a loop
// device on its file, a partition on its disk. False if one of them does not exist. Throws a
// `refused` Error if that cannot be known: a device without /sys.
INSITU_API bool same_storage(const std::string& a, const std::string& b);

// The first signature of another content (file system, partition table, RAID, …) that libblkid
// knows on a file or device, by name: "ext4", "gpt".
INSITU_API std::optional<std::string> find_signature(const std::string& path);

// Removes every signature that find_signature() would report, by overwriting its magic bytes.
INSITU_API void wipe_signatures(const std::string& path);

}  // namespace insitu
