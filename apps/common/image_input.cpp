// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/image_input.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "common/choices.hpp"
#include "common/sizes.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/image/unfinished.hpp"
#include "insitu/internal/journal/recovery.hpp"
#include "insitu/open_store.hpp"

namespace insitu::apps {

void add_image_options(Tool& tool, ImageInputOptions& options) {
    tool.cli()
        .add_option("IMAGE", options.path, "Image file or block device")
        ->required()
        ->check(file_name());
    tool.cli().add_flag("--ignore-size", options.ignore_size,
                        "Read by the counts in the super block, even if the size differs and "
                        "the driver refuses it");
    tool.add_force_share_option();
}

RecoveredImage recovered_in_memory(const Tool& tool, const Store& store) {
    RecoveredImage recovered;
    if (!has_intent(store)) return recovered;
    recovered.store = std::make_unique<OverlayStore>(store);
    recovered.windows =
        apply_intents(*recovered.store, StampCheck::required, most_bytes_in_memory).windows;
    clear_intents(*recovered.store);
    tool.note(fmt::format(
        "{}: left by an interrupted live device; its last commit ({}) is applied in memory",
        store.name(), counted(recovered.windows, "window")));
    return recovered;
}

void refuse_foreign_content(const std::string& path, const Store& store) {
    if (store.size_bytes() < block_bytes) return;
    if (read_super_block(store).magic == super_magic) return;
    refuse_unfinished(store);
    const auto content = find_signature(path);
    if (!content) return;
    throw Error(ErrorKind::refused, {.file = path},
                fmt::format("not an insitu image: {}", *content),
                "if it was one before, insitu-fsck repair --rebuild-super --force makes it one "
                "again, over what is there now");
}

ImageInput::ImageInput(const Tool& tool, const ImageInputOptions& options)
    : store_(open_store(options.path, Access::read, tool.sharing())) {
    const SizeCheck check = options.ignore_size ? SizeCheck::trust_super : SizeCheck::strict;
    image_ = Image::open(*store_, check, PendingCheck::ignore);
    RecoveredImage recovered = recovered_in_memory(tool, *store_);
    recovered_ = std::move(recovered.store);
    if (recovered_) {
        pending_windows_ = recovered.windows;
        image_ = Image(*recovered_, image_->super());
    }
    const std::uint64_t expected = image_->geometry().device_blocks();
    const std::uint64_t actual = store_->size_bytes() / block_bytes;
    if (expected == actual) return;
    tool.note(fmt::format("{}: has {} blocks, its super block is for {}: the driver refuses it",
                          options.path, actual, expected));
}

}  // namespace insitu::apps
