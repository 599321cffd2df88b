// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>

#include "fsck/super_check.hpp"
#include "insitu/repair.hpp"

namespace insitu {

// Changes of the super block and the size of the file. Collects them in the log, tells them.
struct SuperPlan {
    std::optional<SuperBlock> usable;  // by which the windows are read
    bool reformatted = false;          // no window holds anything: none is to be planned
};

// `log` is null in a dry run. Throws as judge_super() does.
SuperPlan plan_super(const Store& store, const SuperVerdict& verdict, const RepairOptions& options,
                     UndoLog* log, FindingSink& sink);

}  // namespace insitu
