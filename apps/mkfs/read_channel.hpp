// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "mkfs/ext_handle.hpp"

namespace insitu::apps {

// Lets libext2fs read what is no file, or a file without the sync that it begins with when it opens
// one itself. Nothing can be written through it. libext2fs names what it opens by a path, so there
// is one at a time: the manager reads by the channel that exists.
class ReadChannel {
  public:
    // May throw an Error.
    using Read = std::function<void(std::uint64_t at_byte, std::span<std::byte> output)>;

    ReadChannel(std::uint64_t size_bytes, Read read);
    ~ReadChannel();
    ReadChannel(const ReadChannel&) = delete;
    ReadChannel& operator=(const ReadChannel&) = delete;

    // For ExtHandle, while this exists.
    static io_manager manager() noexcept;
    // Whether the magic of an ext file system is where it has to be.
    bool holds_ext() const;

    // Returns a code of libext2fs.
    errcode_t read(std::uint64_t at_byte, std::span<std::byte> output) const;

  private:
    std::uint64_t size_bytes_;
    Read read_;
};

}  // namespace insitu::apps
