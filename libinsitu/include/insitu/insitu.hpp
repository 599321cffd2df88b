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

#include "insitu/error.hpp"
#include "insitu/fsck/check.hpp"
#include "insitu/fsck/holes.hpp"
#include "insitu/fsck/repair.hpp"
#include "insitu/image/target.hpp"
#include "insitu/journal/recovery.hpp"
#include "insitu/open_image.hpp"
#include "insitu/ops/format.hpp"
#include "insitu/ops/pack.hpp"
#include "insitu/ops/stat.hpp"
#include "insitu/ops/unpack.hpp"
#include "insitu/store/open.hpp"
#include "insitu/trim.hpp"
