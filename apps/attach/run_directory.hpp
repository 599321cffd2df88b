// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "attach/process_id.hpp"
#include "common/world.hpp"
#include "insitu/internal/store/unique_fd.hpp"

namespace insitu::apps {

// How an image became a device.
enum class Through {
    nbd,        // the kernel's client: /dev/nbdN
    fuse_loop,  // a file of nbdfuse, and a loop device over it
    fuse,       // the file alone: all that one can have who is not root
};
const char* name_of(Through through) noexcept;

// What is remembered of an image that is attached.
struct AttachState {
    std::string image;
    std::string device;
    std::string mountpoint;  // empty: not mounted by insitu-attach
    Through through = Through::fuse;
    bool read_only = false;
    ProcessId server;
    ProcessId fuse;  // nbdfuse; none with Through::nbd
};

// The folder of one image below the run directory. It is named after the image's device and inode,
// so that every name of an image leads to it.
class ImageFolder {
  public:
    explicit ImageFolder(std::string path) : path_(std::move(path)) {}

    const std::string& path() const noexcept { return path_; }
    std::string socket() const { return path_ + "/socket"; }
    std::string control() const { return path_ + "/control"; }
    std::string server_pid() const { return path_ + "/nbdkit.pid"; }
    std::string fuse_pid() const { return path_ + "/nbdfuse.pid"; }
    std::string fuse_log() const { return path_ + "/nbdfuse.log"; }
    std::string fuse_mount() const { return path_ + "/fuse"; }
    std::string fuse_file() const { return path_ + "/fuse/nbd"; }

    bool exists() const;
    // Throws `io` Errors.
    void create() const;
    void save(const AttachState& state) const;
    // None if there is no state, or one that cannot be believed: of another owner, one that others
    // may write, or without sense.
    std::optional<AttachState> load() const;
    // Removes what attaching makes; what is mounted in it stays. Never throws.
    void remove() const noexcept;

  private:
    std::string state_file() const { return path_ + "/state"; }
    std::string path_;
};

// Where attached images are kept in mind: INSITU_RUN_DIR, otherwise /run/insitu-tools for root and
// $XDG_RUNTIME_DIR/insitu for others.
class RunDirectory {
  public:
    enum class Missing { create, accept };
    // Throws a `refused` Error if it belongs to another user or others may write to it, and `io`
    // Errors.
    RunDirectory(const World& world, Missing missing);

    // The folder of an image, whether it is attached or not. Throws `io` Errors.
    ImageFolder folder_of(const std::string& image) const;
    // Those that exist, in the order of their names.
    std::vector<ImageFolder> folders() const;
    // One at a time attaches or detaches an image. Waits; held as long as the descriptor is open.
    UniqueFd lock(const ImageFolder& folder) const;

  private:
    std::string path_;
};

}  // namespace insitu::apps
