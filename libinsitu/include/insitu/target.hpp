// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "insitu/internal/api.hpp"
#include "insitu/internal/image/meta_writer.hpp"
#include "insitu/internal/store/block_device.hpp"
#include "insitu/internal/store/output_file.hpp"

namespace insitu {

// What a target is to be: an image only fits a device that the driver can use.
enum class TargetKind { image, raw };

// A device or a new file that is about to be written as a whole. A file appears under its name at
// commit() and not before; a device that holds something else is refused unless forced.
class INSITU_API Target {
  public:
    enum class Overwrite { refuse, force };

    // The size of the block device or NBD export at `path`, in bytes; none for anything else.
    static std::optional<std::uint64_t> device_bytes(const std::string& path);
    // The size of its logical sectors, in bytes. Throws `io` Errors.
    static unsigned device_sector_bytes(const std::string& path);

    // Opens a block device or NBD export, or creates a file of `file_bytes` beside `path`. Throws
    // `refused` Errors for a device with a signature of anything, or one that cannot be looked at
    // for them, in use, read-only, or (for an image) with other sectors than 512 bytes; `io` ones
    // otherwise. Changes nothing yet that holds something.
    Target(const std::string& path, TargetKind kind, std::uint64_t file_bytes, Overwrite overwrite,
           OutputOptions output = {});
    // A file without a name, all zeros, whose content is sent elsewhere when it is complete.
    explicit Target(std::unique_ptr<FileStore> unnamed);
    Target(Target&& other) noexcept;
    Target& operator=(Target&& other) noexcept;
    // A file that was not committed is gone.
    ~Target();

    Store& store() noexcept;
    TargetContent content() const noexcept;
    // Removes old signatures from a device, and the content of a file that is written in place; to
    // be called before the first write.
    void prepare();
    // Syncs; gives a file its name.
    void commit();
    // What is left if the work ends between prepare() and commit(), as a sentence for the user;
    // empty for a file that keeps its old content.
    std::string unfinished_state() const;

  private:
    std::string path_;
    TargetKind kind_;
    bool has_signature_ = false;
    std::unique_ptr<Store> device_;
    std::unique_ptr<OutputFile> file_;
    std::unique_ptr<FileStore> unnamed_;
};

// What a device or file holds: the name of a signature that libblkid knows, or "insitu". None where
// nothing is known of it.
INSITU_API std::optional<std::string> find_content(const std::string& path, const Store& store);

}  // namespace insitu
