// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "common/world.hpp"

// The tools as functions: main() of each, with the world that it meets. They return the exit
// status; nothing but std::bad_alloc leaves them, before they have begun. One at a time in a
// process. By the name in argv[0] run_attach() is mount.insitu, run_detach() umount.insitu and
// run_mkfs() mkfs.insitu. Without the rights to set owners run_mkfs() starts the program of this
// process again below fakeroot(1).
namespace insitu::apps {

int run_attach(World world, int argc, char** argv);
int run_copy(World world, int argc, char** argv);
int run_crashtest(World world, int argc, char** argv);
int run_detach(World world, int argc, char** argv);
int run_dump_meta(World world, int argc, char** argv);
int run_format(World world, int argc, char** argv);
int run_fsck(World world, int argc, char** argv);
int run_label(World world, int argc, char** argv);
int run_mkfs(World world, int argc, char** argv);
int run_pack(World world, int argc, char** argv);
int run_resize(World world, int argc, char** argv);
int run_stat(World world, int argc, char** argv);
int run_trim(World world, int argc, char** argv);
int run_unpack(World world, int argc, char** argv);

}  // namespace insitu::apps
