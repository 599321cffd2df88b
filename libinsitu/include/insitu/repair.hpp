// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "insitu/check.hpp"
#include "insitu/internal/api.hpp"
#include "insitu/internal/format/seal.hpp"
#include "insitu/internal/fsck/undo_log.hpp"

namespace insitu {

// Which faults are repaired, and what may be taken for proof. Each is off unless asked for.
struct RepairOptions {
    enum class Scope {
        safe,  // -p: only what cannot change the content of any block that reads today
        all,   // -y: everything that there is evidence for
    } scope = Scope::all;
    CheckOptions check;
    Seals seals = Seals::write;   // of what is stored again
    bool trust_payloads = false;  // a complete payload beats a raw extent
    bool salvage = false;        // keep the blocks that decode of a torn stream, zeros for the rest
    bool rebuild_super = false;  // block 0 from the size and the payloads
    bool rebuild_without_evidence = false;  // also if no payload speaks for an image
    bool rebuild_meta = false;              // all meta from payloads alone
    const Store* meta_dump = nullptr;       // all meta from this dump; outlives the repair
    // With a manifest, a plan is carried out only if its result confirms more of the manifest than
    // it contradicts, and nothing that reads today is unmapped. `force`: the user believes it.
    enum class ManifestTrust { proven, force } manifest_trust = ManifestTrust::proven;
    // If set, is called before anything is changed, with the image as it will be after the repair.
    // It throws to refuse the repair, if that is not what the manifest lists.
    std::function<void(const Store& result)> approve;
    // Gives the file the size that its counts need; empty: not asked for, or not a file.
    UndoLog::Resize resize;
};

struct RepairResult {
    FindingCounts before;
    FindingCounts after;  // of the image as it is now; equals `before` where nothing was changed
    std::uint64_t changes_bytes = 0;  // of the log
    std::uint64_t suspect_blocks = 0;
    std::uint64_t lost_blocks = 0;
    std::uint64_t undecided_blocks = 0;
    bool changed = false;
    bool rolled_back = false;  // the result was worse than before
};

// Plans, writes the log, changes the image, checks it again, and undoes the changes if the image
// is worse than before. Findings and plan go to `sink` first. Without a log nothing is changed: a
// dry run. Memory: 1 MiB a thread, whatever the image and its damage; with a manifest also what is
// to be changed. Throws as check() does, and `refused` for a manifest that does not fit; an
// `io` Error while the image is being changed leaves a log that finish_interrupted() completes.
INSITU_API RepairResult repair(Store& image, LogMedium* log, const RepairOptions& options,
                               FindingSink& sink, const Control& control);

enum class InterruptedWork {
    none,
    completed,
    rolled_back,
    foreign,  // the log was made for another image: nothing was done
};

// Ends what an earlier run began: a sealed log is applied to its end, an interrupted undo is
// completed; a log that was never sealed changed nothing. Throws `refused` if the image was changed
// since, or if it needs another size and `resize` is empty; nothing is written then.
INSITU_API InterruptedWork finish_interrupted(Store& image, LogMedium& log,
                                              const UndoLog::Resize& resize);

}  // namespace insitu
