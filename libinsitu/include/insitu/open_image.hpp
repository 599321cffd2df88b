// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "insitu/internal/api.hpp"
#include "insitu/internal/device/device.hpp"
#include "insitu/internal/format/identity.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/internal/image/meta_cursor.hpp"

namespace insitu {

// What to do with the commit that an interrupted live device left (docs/crash-safety.md).
enum class PendingPolicy {
    apply_in_memory,  // the image reads as it was last made durable; opened for writing: apply
    apply,            // the same in place: the image is an ordinary one afterwards
    refuse,           // a `refused` Error
    ignore,           // read what is in place, as the driver does; opened for writing: forget it
};

struct OpenOptions {
    Access access = Access::read;
    Sharing sharing = Sharing::exclusive;
    SizeCheck size_check = SizeCheck::strict;  // trust_super only to read
    PendingPolicy pending = PendingPolicy::apply_in_memory;
    // Memory: of what was written and waits for a commit, and of content that was decoded and is
    // kept for the next read of its extent.
    std::uint64_t cache_bytes = std::uint64_t{64} << 20;
    std::uint64_t decode_cache_bytes = std::uint64_t{16} << 20;
    Level level = Level::fast;
    CommitPolicy policy = CommitPolicy::writeback;
    UnprotectedCommits unprotected = UnprotectedCommits::allow;
    // Is told, as a sentence, what the owner should know. From any thread; may be empty.
    std::function<void(const std::string&)> warn = {};
};

// An open image with all that it needs: the file or device, what recovery makes of it, caches.
// read(), write(), zero(), unmap(), flush() and map() may be called from several threads at once;
// moving, close() and the destructor may not. Requests are of any position and length. Errors are
// those of Device; all but the destructor throw `refused` after close().
class INSITU_API OpenedImage {
  public:
    OpenedImage(OpenedImage&& other) noexcept;
    OpenedImage& operator=(OpenedImage&& other) noexcept;
    // Closes an image that was written and not closed; errors of that are lost.
    ~OpenedImage();

    [[nodiscard]] const Geometry& geometry() const noexcept;
    [[nodiscard]] Algorithm algorithm() const noexcept;
    // Of the logical device.
    [[nodiscard]] std::uint64_t size_bytes() const noexcept { return geometry().logical_bytes(); }
    // UUID and label, if it has a name.
    [[nodiscard]] const std::optional<Identity>& identity() const noexcept;
    // Windows of a pending commit that was applied when the image was opened.
    [[nodiscard]] std::uint64_t recovered_windows() const noexcept;

    void read(std::uint64_t at_byte, ByteSpan output) const;
    // Reads `length_bytes` into memory of its own.
    [[nodiscard]] std::vector<std::byte> read(std::uint64_t at_byte,
                                              std::size_t length_bytes) const;
    void write(std::uint64_t at_byte, ByteView input,
               Device::Durability durability = Device::Durability::later);
    void zero(std::uint64_t at_byte, std::uint64_t length_bytes,
              Device::Durability durability = Device::Durability::later);
    void unmap(std::uint64_t at_byte, std::uint64_t length_bytes,
               Device::Durability durability = Device::Durability::later);
    // Returns when every request that had returned before is durable.
    void flush();
    // Commits also by itself from here on, in a thread of its own, and makes an idle image clean.
    void start_commits();

    // The runs of blocks that are mapped, or not, and cover the range or a first part of it.
    [[nodiscard]] std::vector<BlockRun> map(std::uint64_t at_byte,
                                            std::uint64_t length_bytes) const;
    // Visits what is stored, in rising order: mapped extents and those whose meta is wrong; ends
    // early if `visit` returns false. Only for an image that is open for reading.
    void for_each_extent(const std::function<bool(const StoredExtent&)>& visit) const;

    // For stat_image(), unpack() and the like; refers to this object. Throws `refused` if the image
    // is open for writing: what is on the medium is then not all that was written.
    [[nodiscard]] const Image& image() const&;
    const Image& image() const&& = delete;

    // Commits everything, and leaves no intent behind. The error of an earlier background commit
    // is thrown here at the latest; the file or device is released in any case. A second call does
    // nothing.
    void close();

  private:
    friend INSITU_API OpenedImage open_image(const std::string& path, const OpenOptions& options);
    struct State;
    explicit OpenedImage(std::unique_ptr<State> state) noexcept;
    INSITU_LOCAL Device& device() const;
    INSITU_LOCAL void close_quietly() noexcept;
    std::unique_ptr<State> state_;
};

// Opens the image in a file or on a block device. Throws `io`, `damaged` and `refused` Errors.
[[nodiscard]] INSITU_API OpenedImage open_image(const std::string& path,
                                                const OpenOptions& options = {});

}  // namespace insitu
