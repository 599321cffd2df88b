// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "insitu/internal/api.hpp"
#include "insitu/internal/engine/control.hpp"
#include "insitu/internal/format/identity.hpp"
#include "insitu/internal/format/super_block.hpp"
#include "insitu/internal/image/meta_writer.hpp"
#include "insitu/store.hpp"
#include "insitu/target.hpp"

namespace insitu {

// Makes an image in which every block is unmapped over the whole of `target`. Throws `refused`
// Errors for sizes that the driver cannot use, `cancelled` and `io` ones else: the target then
// holds no image. Progress counts the bytes of meta that are cleared. Returns the super block.
// Not exported: for the tools, who run the protocol of a target by themselves.
INSITU_API SuperBlock format_image(Store& target, Algorithm algorithm, TargetContent content,
                                   const Control& control = {},
                                   const std::optional<Identity>& identity = {});
// The same over a Target, whose whole protocol is run: prepare, write, commit.
INSITU_API SuperBlock format_image(Target& target, Algorithm algorithm, const Control& control = {},
                                   const std::optional<Identity>& identity = {});

}  // namespace insitu
