// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "insitu/internal/engine/control.hpp"
#include "mkfs/tree_model.hpp"
#include "mkfs/types.hpp"

namespace insitu::apps {

// What a comparison found.
struct Comparison {
    std::uint64_t differences = 0;
    std::string first_path;
    std::string first_text;          // "mode: 644 in the tree, 600 in the file system"
    std::vector<std::string> lines;  // some of them, as "path: text"
};

// Compares a file system as its reader has it with the tree that it was made of, as the type holds
// it. Accounts for every entry, on both sides.
Comparison compare_trees(const Tree& wanted, const Tree& found, const Holds& holds);

}  // namespace insitu::apps
