// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/update_run.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/image_input.hpp"
#include "common/sizes.hpp"
#include "insitu/internal/fsck/holes.hpp"
#include "insitu/internal/image/unfinished.hpp"

namespace insitu::apps {

UpdateTarget::UpdateTarget(Tool& tool, const std::string& path)
    : tool_(tool), path_(path), store_(open_store(path, Access::read_write)) {
    // What another tool was interrupted in is refused by the update itself.
    if (const auto work = unfinished_work(*store_); work && work->kind == WorkKind::update) {
        tool.note(fmt::format("{}: an interrupted update is completed", path));
    } else if (!work) {
        refuse_foreign_content(path, *store_);
    }
}

void UpdateTarget::say_what_is_left() const noexcept {
    try {
        const auto work = unfinished_work(*store_);
        if (!work || work->kind != WorkKind::update) return;
        tool_.say_on_failure(
            fmt::format("{}: is changed in part, and refused by all tools until an "
                        "update from the same source completes it",
                        path_));
    } catch (...) {
        // The failure itself is more important.
    }
}

void UpdateTarget::finish(const UpdateTotals& update) {
    if (update.written_bytes == 0) return;
    punch_holes(Image::open(*store_), *store_, {});
    store_->sync();
}

void add_update(Json& document, const UpdateTotals& update) {
    document["update"]["resumed"] = update.resumed;
    document["update"]["compared_bytes"] = update.compared_bytes;
    document["update"]["trusted_bytes"] = update.trusted_bytes;
    document["update"]["kept_bytes"] = update.kept_bytes;
    document["update"]["written_bytes"] = update.written_bytes;
}

std::string update_text(const UpdateTotals& update) {
    std::string text = fmt::format("{} written, {} compared", human_bytes(update.written_bytes),
                                   human_bytes(update.compared_bytes));
    if (update.trusted_bytes != 0) {
        text += fmt::format(", {} known to be equal", human_bytes(update.trusted_bytes));
    }
    if (update.kept_bytes != 0) {
        text += fmt::format(", {} kept by their content", human_bytes(update.kept_bytes));
    }
    return text;
}

}  // namespace insitu::apps
