// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fsck/fsck_options.hpp"
#include "insitu/internal/fsck/undo_log.hpp"

namespace insitu::apps {

// Where the undo logs of an image are: beside a file; of a device in /var/lib/insitu-tools or,
// before that can be written, /run/insitu-tools; in $INSITU_UNDO_DIR; or where --undo says.
class UndoPlace {
  public:
    explicit UndoPlace(const FsckOptions& options);

    // What lies there under the names of such logs, in the order of the repairs.
    std::vector<std::string> existing() const;
    // The log of the next repair. Throws a `refused` Error if --undo names a file that exists,
    // unless --force removes it.
    LogFile create() const;

  private:
    std::vector<std::string> directories_;  // in the order of preference
    std::string name_;                      // of the first log; others get a number
    LogFile::Mode mode_ = LogFile::Mode::create;
    bool named_ = false;  // by --undo
    bool force_ = false;
};

// A log that may be believed: it is whole, nobody else can have written it. Empty otherwise: what
// is no log of ours is noted and never a reason to fail.
class FoundLog {
  public:
    FoundLog(const Tool& tool, const FsckOptions& options, const std::string& path,
             LogFile::Mode mode);

    // Null: not to be believed.
    LogMedium* medium() noexcept { return believed_ ? &*file_ : nullptr; }
    LogState state() const noexcept { return state_; }

  private:
    std::optional<LogFile> file_;
    LogState state_ = LogState::planning;
    bool believed_ = false;
};

// Throws a `refused` Error if a log that the user named is one that others can have written.
void require_own_log(const LogFile& log, const std::string& image);

// Removes the log of a repair that never began; never throws, another one may stay.
void discard_unused_log(const std::string& path) noexcept;

}  // namespace insitu::apps
