// SPDX-License-Identifier: GPL-2.0-or-later
#include "ops/update.hpp"

#include <fmt/format.h>

#include "insitu/error.hpp"
#include "insitu/internal/image/create.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/internal/image/unfinished.hpp"
#include "insitu/internal/journal/recovery.hpp"
#include "insitu/internal/store/aligned_buffer.hpp"

namespace insitu {

namespace {

// The super block that the target has, or is to have when the interrupted update is complete.
SuperBlock super_of(const Store& target, const std::optional<UnfinishedWork>& work) {
    if (!work) {
        return Image::open(target, SizeCheck::strict, PendingCheck::ignore).super();
    }
    if (work->kind != WorkKind::update) refuse_unfinished(target);
    SuperBlock super;
    super.counts = work->counts;
    super.comp_alg = work->comp_alg;
    const SuperFaults faults = check_super_block(super, target.size_bytes());
    if (faults.none()) return super;
    throw Error(ErrorKind::refused, {.file = target.name()},
                "an interrupted update was of an image of another size",
                "give the file or device its size back, or make the image anew without --update");
}

}  // namespace

Update::Update(Store& target, Algorithm algorithm)
    : target_(target), difference_(target, [this] { begin(); }) {
    const auto work = unfinished_work(target);
    super_ = super_of(target, work);
    resumed_ = work.has_value();
    begun_ = resumed_;
    if (super_.comp_alg != static_cast<std::uint8_t>(algorithm)) {
        throw Error(
            ErrorKind::refused, {.file = target.name()},
            fmt::format("is {}, the source {}: every payload would differ",
                        to_string(static_cast<Algorithm>(super_.comp_alg)), to_string(algorithm)),
            "an image of another algorithm is made anew, not updated");
    }
    // What is in place is not what was last made durable, and the redo stream is in holes.
    const bool is_pending = has_intent(target);
    may_be_torn_ = resumed_ || is_pending;
    if (is_pending) begin();
}

void Update::begin() {
    if (begun_) return;
    UnfinishedWork work;
    work.kind = WorkKind::update;
    work.counts = super_.counts;
    work.comp_alg = super_.comp_alg;
    write_unfinished(target_, work);
    block_0_bytes_ += sector_bytes;
    begun_ = true;
}

void Update::finish(const std::optional<Identity>& identity) {
    AlignedBuffer block(block_bytes);
    encode_super_block(super_, block.span().first<block_bytes>());
    if (identity) {
        encode_identity(*identity, block.span().subspan(identity_at_byte).first<sector_bytes>());
    }
    // The name, and no intent of the old content.
    difference_.write_at(sector_bytes, block.view().subspan(sector_bytes));
    if (!begun_) return;
    target_.sync();
    target_.write_at(0, block.view().first(sector_bytes));
    target_.sync();
    block_0_bytes_ += sector_bytes;
}

UpdateTotals Update::totals() const noexcept {
    UpdateTotals totals;
    totals.compared_bytes = difference_.compared_bytes();
    totals.written_bytes = difference_.written_bytes() + block_0_bytes_;
    totals.resumed = resumed_;
    return totals;
}

}  // namespace insitu
