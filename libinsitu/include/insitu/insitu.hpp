// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

// All that a program needs which reads, writes, makes or checks images of insitu_comp:
//
//     #include <insitu/insitu.hpp>
//
//     const insitu::OpenedImage image = insitu::open_image("rootfs.img");
//     std::vector<std::byte> bytes = image.read(12345, 100);
//
// open_image() owns file, caches and what recovery makes of the image; pack(), unpack() and
// format_image() take a Target and run its whole protocol; check() and repair() report findings to
// a sink. Failures throw insitu::Error. docs/library.md has examples; insitu.h is the same for C.

#include "insitu/check.hpp"
#include "insitu/error.hpp"
#include "insitu/format.hpp"
#include "insitu/internal/fsck/holes.hpp"
#include "insitu/open_image.hpp"
#include "insitu/open_store.hpp"
#include "insitu/pack.hpp"
#include "insitu/repair.hpp"
#include "insitu/stat.hpp"
#include "insitu/target.hpp"
#include "insitu/trim.hpp"
#include "insitu/unpack.hpp"
