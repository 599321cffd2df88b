// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "mkfs/tree_model.hpp"
#include "mkfs/types.hpp"

namespace insitu::apps {

// One kind of what a type of file system does not keep of a tree.
struct Loss {
    std::string text;                // "times outside 1970 to 2106 become the nearest one"
    std::vector<std::string> paths;  // whose; each once
    bool is_fraction = false;        // no more than a fraction of a second
    // The program that fills the file system leaves it out by itself; otherwise it must be given a
    // tree that has been changed.
    bool by_itself = true;
};

// The tree as this type keeps it, and what that leaves out. A `refused` Error for what would be
// another tree: kinds that the type does not have, names and sizes that do not fit.
std::vector<Loss> adapt_tree(Tree& tree, const std::string& type, const Holds& holds);

}  // namespace insitu::apps
