// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "insitu/internal/engine/control.hpp"
#include "mkfs/tree_model.hpp"

namespace insitu::apps {

// Whether this process can give files any owner and make device nodes, or is made to believe it.
bool can_stage_owners();

// Whether it can make this tree as it is all the same: one of its own files, without device nodes
// and attributes that only root may set.
bool can_stage_without_root(const Tree& tree);

enum class StageOwners { yes, no };
enum class StageHoles { keep, squeeze };  // as in sparse_units.hpp

struct StageOptions {
    StageOwners owners = StageOwners::yes;
    StageHoles holes = StageHoles::keep;
};

// Makes the tree below `directory`, which exists, for programs that read one. Contents that lie
// below `scratch` are moved there, others are copied with their holes. Afterwards the tree has its
// contents there, but for squeezed files. Throws `io` and `cancelled` Errors.
void stage_tree(Tree& tree, const std::string& directory, const std::string& scratch,
                StageOptions options, const StopFlag* stop);

}  // namespace insitu::apps
