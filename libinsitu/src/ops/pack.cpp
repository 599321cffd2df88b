// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/pack.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <vector>

#include "engine/for_each.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/image/create.hpp"
#include "insitu/internal/ops/known_content.hpp"
#include "ops/content_sum.hpp"
#include "ops/update.hpp"
#include "ops/window_keeper.hpp"
#include "ops/window_writer.hpp"
#include "store/writeback.hpp"

namespace insitu {

std::uint64_t pack_target_bytes(std::uint64_t logical_bytes) {
    if (logical_bytes == 0) {
        throw Error(ErrorKind::refused, {},
                    "a size of 0 bytes is too small: an image needs at least one block of content");
    }
    return smallest_device_blocks(ceil_div(logical_bytes, block_bytes)) * block_bytes;
}

namespace {

struct PackItem {
    SourceBatch batch;
    AlignedBuffer buffer{batch_bytes};
    std::vector<WindowMap> maps = std::vector<WindowMap>(batch_windows);
};

// One thread of a pack: a writer, and of an update what finds windows that can stay.
struct PackWorker {
    WindowWriter writer;
    std::optional<WindowKeeper> keeper;
};

// One pack: what its workers share.
class Packer {
  public:
    // `before`: the image that is updated, if it is one, and what is known of it, or null.
    Packer(Source& source, Store& target, const PackOptions& options, const Control& control,
           const SuperBlock& super, const Image* before = nullptr,
           const KnownContent* known = nullptr)
        : source_(source),
          target_(target),
          options_(options),
          control_(control),
          before_(before),
          known_(known),
          geometry_(super.counts),
          meta_(target, geometry_, options.target_content),
          writeback_(target),
          verify_(options.verify == PackOptions::Verify::yes),
          sums_(verify_ ? geometry_.window_count() : 0) {}

    void write_payloads_and_meta();
    void verify(const SuperBlock& super);
    PackResult result(const SuperBlock& super) const;
    void add_totals(UpdateTotals& totals) const noexcept {
        totals.kept_bytes = kept_bytes_;
        totals.trusted_bytes = trusted_bytes_;
    }

  private:
    std::unique_ptr<PackWorker> make_worker() const;
    void pack_batch(PackItem& item, PackWorker& worker);
    WindowMap write_window(WindowIndex window, ByteView content, PackWorker& worker,
                           ExtentTotals& totals);
    void tell_content(const PackItem& item) const;

    Source& source_;
    Store& target_;
    const PackOptions& options_;
    const Control& control_;
    const Image* before_;
    const KnownContent* known_;
    Geometry geometry_;
    MetaWriter meta_;
    Writeback writeback_;
    bool verify_;
    ContentSums sums_;
    std::atomic<std::uint64_t> kept_bytes_{0};
    std::atomic<std::uint64_t> trusted_bytes_{0};
    std::mutex mutex_;  // guards what follows
    ContentDigest digest_;
    ExtentTotals totals_;
    std::uint64_t source_bytes_ = 0;
};

std::unique_ptr<PackWorker> Packer::make_worker() const {
    auto worker =
        std::make_unique<PackWorker>(PackWorker{WindowWriter(options_, geometry_, target_), {}});
    if (before_ != nullptr) worker->keeper.emplace(*before_, known_);
    return worker;
}

// Extents of an older image that hold the content already stay, with their payloads; the rest is
// packed as if there were zeros in their place.
WindowMap Packer::write_window(WindowIndex window, ByteView content, PackWorker& worker,
                               ExtentTotals& totals) {
    if (!worker.keeper) return worker.writer.write(window, content, totals);
    const WindowKeeper::Kept kept = worker.keeper->find(window, content);
    const ByteView rest = worker.keeper->rest(kept, content);
    WindowMap map(static_cast<unsigned>(content.size() / block_bytes));
    if (!rest.empty()) map = worker.writer.write(window, rest, totals);
    std::atomic<std::uint64_t>& bytes = kept.known ? trusted_bytes_ : kept_bytes_;
    for (const Extent extent : kept.map.extents()) {
        if (extent.unmapped()) continue;
        map.set_extent(extent);
        totals.add(extent.blocks, extent.payload_sectors);
        bytes += extent.payload_sectors * sector_bytes;
    }
    return map;
}

void Packer::pack_batch(PackItem& item, PackWorker& worker) {
    const SourceBatch& batch = item.batch;
    source_.fill(batch, item.buffer.span());
    const std::uint64_t padded = ceil_div(batch.length_bytes, block_bytes) * block_bytes;
    // The rest of the last window belongs to the image, which may be larger than its source.
    const std::uint64_t whole = ceil_div(batch.length_bytes, window_bytes) * window_bytes;
    std::memset(item.buffer.data() + batch.length_bytes, 0, whole - batch.length_bytes);
    ExtentTotals totals;
    for (std::uint64_t at = 0; at < padded; at += window_bytes) {
        const WindowIndex window = batch.first + at / window_bytes;
        const ByteView content =
            item.buffer.view().subspan(at, std::min<std::uint64_t>(window_bytes, padded - at));
        WindowMap& map = item.maps[at / window_bytes];
        map = write_window(window, content, worker, totals);
        map.encode(meta_.slot(window));
        if (verify_) {
            sums_.add(window, item.buffer.view().subspan(
                                  at, geometry_.blocks_in_window(window) * block_bytes));
        }
    }
    worker.writer.finish();
    writeback_.written(geometry_.block_at_byte(first_block_of(batch.first)), padded);
    control_.advance(batch.skipped_bytes + batch.length_bytes);
    const ContentDigest digest = worker.writer.take_digest();
    const std::lock_guard guard(mutex_);
    digest_ += digest;
    totals_ += totals;
    source_bytes_ = std::max(source_bytes_, batch.first.value * window_bytes + batch.length_bytes);
}

void Packer::tell_content(const PackItem& item) const {
    const SourceBatch& batch = item.batch;
    for (std::uint64_t at = 0; at < batch.length_bytes; at += window_bytes) {
        const std::uint64_t bytes = std::min(window_bytes, batch.length_bytes - at);
        const std::uint64_t padded = ceil_div(bytes, block_bytes) * block_bytes;
        options_.content->window({batch.first + at / window_bytes,
                                  item.buffer.view().subspan(at, padded), bytes,
                                  &item.maps[at / window_bytes]});
    }
}

// Span by span: the payloads, a sync, then the meta that names them.
void Packer::write_payloads_and_meta() {
    while (const auto window = source_.next_window()) {
        meta_.begin_span(*window);
        const WindowIndex limit = meta_.span_end();
        const auto take = [&](PackItem& item) {
            return source_.take(item.batch, item.buffer.span(), limit);
        };
        if (options_.content == nullptr) {
            for_each<PackItem>(control_, take, [&] {
                return
                    [this, worker = make_worker()](PackItem& item) { pack_batch(item, *worker); };
            });
        } else {
            for_each_in_order<PackItem>(control_, take, [&] {
                return OrderedWorker{
                    make_worker(),
                    [this](PackWorker& worker, PackItem& item) { pack_batch(item, worker); },
                    [this](PackWorker&, PackItem& item) { tell_content(item); }};
            });
        }
        control_.syncing();
        target_.sync();
        meta_.commit_span();
    }
    meta_.finish();
    // A hole at the end is part of the work, too.
    const std::uint64_t size_bytes = source_.size_bytes().value_or(source_bytes_);
    if (size_bytes > source_bytes_) control_.advance(size_bytes - source_bytes_);
}

void Packer::verify(const SuperBlock& super) {
    target_.sync();
    target_.drop_cache();
    const Image image(target_, super);
    ContentSums found(geometry_.window_count());
    sum_content(image, found, control_);
    if (const auto window = sums_.first_difference(found)) {
        throw Error(ErrorKind::damaged, {.file = target_.name(), .window = *window},
                    "what was read back from here on differs from what was written");
    }
}

PackResult Packer::result(const SuperBlock& super) const {
    PackResult result;
    result.super = super;
    result.identity = {options_.uuid.value_or(digest_.uuid(super)), options_.label};
    result.extents = totals_;
    result.source_bytes = source_.size_bytes().value_or(source_bytes_);
    result.meta_written_bytes = meta_.written_bytes();
    result.written_bytes = totals_.payload_sectors * sector_bytes + meta_.written_bytes();
    return result;
}

}  // namespace

SuperBlock super_block_for_source(const Source& source, std::uint64_t target_bytes,
                                  Algorithm algorithm, const std::string& target_name) {
    const SuperBlock super = super_block_for(target_bytes, algorithm, target_name);
    const std::uint64_t room_bytes = Geometry(super.counts).logical_bytes();
    const auto size_bytes = source.size_bytes();
    if (!size_bytes || *size_bytes <= room_bytes) return super;
    throw Error(ErrorKind::refused, {.file = target_name},
                fmt::format("the image would hold {} bytes, {} has {}", room_bytes, source.name(),
                            *size_bytes),
                fmt::format("the target needs {} bytes", pack_target_bytes(*size_bytes)));
}

PackResult pack(Source& source, Store& target, const PackOptions& options, const Control& control) {
    const SuperBlock super =
        super_block_for_source(source, target.size_bytes(), options.codec.algorithm, target.name());
    control.begin(source.size_bytes().value_or(0));
    const std::uint64_t cleared_bytes = invalidate_target(target, options.target_content);
    Packer packer(source, target, options, control, super);
    packer.write_payloads_and_meta();
    source.check_unchanged();
    if (options.verify == PackOptions::Verify::yes) packer.verify(super);

    PackResult result = packer.result(super);
    result.written_bytes += cleared_bytes + write_super_block_last(target, super, result.identity);
    return result;
}

PackResult update_from_source(Source& source, Store& target, PackOptions options,
                              const KnownContent& known, const Control& control) {
    Update update(target, options.codec.algorithm);
    const SuperBlock super =
        super_block_for_source(source, target.size_bytes(), options.codec.algorithm, target.name());
    const std::optional<Identity> identity =
        options.uuid ? Identity{*options.uuid, options.label} : read_identity(target);
    control.begin(source.size_bytes().value_or(0));
    options.target_content = TargetContent::unknown;
    const Image before(target, super);
    const bool is_known = known && !update.may_be_torn();
    Packer packer(source, update.store(), options, control, super, &before,
                  is_known ? &known : nullptr);
    packer.write_payloads_and_meta();
    source.check_unchanged();
    if (options.verify == PackOptions::Verify::yes) packer.verify(super);
    PackResult result = packer.result(super);
    result.identity = identity.value_or(Identity{});
    update.finish(identity);
    result.update = update.totals();
    packer.add_totals(*result.update);
    result.written_bytes = result.update->written_bytes;
    return result;
}

PackResult pack_update(Source& source, Store& target, PackOptions options, const Control& control) {
    return update_from_source(source, target, std::move(options), {}, control);
}

PackResult pack(Source& source, Target& target, PackOptions options, const Control& control) {
    options.target_content = target.content();
    target.prepare();
    PackResult result = pack(source, target.store(), options, control);
    target.commit();
    return result;
}

}  // namespace insitu
