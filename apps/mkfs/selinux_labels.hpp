// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>

#include "mkfs/tree_model.hpp"

namespace insitu::apps {

// What labelling a tree came to.
struct Labelling {
    std::uint64_t unlabelled = 0;  // entries for which the file contexts have no label
    std::string first_unlabelled;
    std::uint64_t conflicts = 0;  // further names of a file that call for another label
    std::string first_conflict;
};

// Gives each entry the label that `file_contexts`, in the form of file_contexts(5), has for its
// path and kind, as the extended attribute security.selinux, instead of any that it had. A file of
// several names takes that of the first. libselinux is loaded for it. Throws `refused` Errors if it
// is not installed or cannot read the file.
Labelling label_tree(Tree& tree, const std::string& file_contexts);

}  // namespace insitu::apps
