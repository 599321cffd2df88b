// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "insitu/internal/engine/control.hpp"
#include "mkfs/tree_model.hpp"

namespace insitu::apps {

// Whether this process can give files any owner and make device nodes, or is made to believe it.
bool can_stage_owners();

enum class StageOwners { yes, no };

// Makes the tree below `directory`, which exists, for programs that read one. Contents that lie
// below `scratch` are moved there, others are copied with their holes. Afterwards the tree has its
// contents there. Throws `io` and `cancelled` Errors.
void stage_tree(Tree& tree, const std::string& directory, const std::string& scratch,
                StageOwners owners, const StopFlag* stop);

}  // namespace insitu::apps
