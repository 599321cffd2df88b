// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "common/tool.hpp"
#include "mkfs/mkfs_arguments.hpp"
#include "mkfs/scratch.hpp"
#include "mkfs/tree_model.hpp"

namespace insitu::apps {

// Whether the tree has to be made below fakeroot(1): its type is filled from a directory, that
// directory has to be made here, and this process may not give it owners. Throws a `refused` Error
// if fakeroot is needed and is not installed.
bool needs_fakeroot(const MkfsArguments& arguments);

// Runs the tool again below fakeroot, with the same arguments and streams. Returns its status.
int run_with_fakeroot(int argc, char** argv, const World& world);

// Thrown where that turns out when the tree is known.
struct FakerootNeeded {};

// Reads what the file system is to hold, as its type can hold it, and reports what it cannot. A
// directory that has to be made of it is made in `scratch`. Throws `refused`, `io` and `cancelled`
// Errors, and FakerootNeeded before anything is told.
Tree prepare_tree(const Tool& tool, const MkfsArguments& arguments, const Scratch& scratch);

// Compares the file system in `file` with the tree, contents as well if asked for. Throws a
// `damaged` Error that names the first entry that differs.
void check_file_system(const Tool& tool, const MkfsArguments& arguments, const Tree& tree,
                       const std::string& file);

}  // namespace insitu::apps
