// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/unpack.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>

#include "engine/for_each.hpp"
#include "image/window_batches.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/journal/recovery.hpp"
#include "ops/stream_target.hpp"
#include "store/writeback.hpp"
#include "window/zero_blocks.hpp"

namespace insitu {

namespace {

// Damage as the workers find it. An extent over a border is found by several windows.
class DamageList final : public DamageSink {
  public:
    void damaged(const ExtentDamage& damage) override {
        const std::lock_guard guard(mutex_);
        const auto [place, is_new] = found_.try_emplace(damage.extent.first, damage);
        if (!is_new) return;
        ++count_;
        blocks_ += damage.extent.blocks;
        unproven_ += damage.unproven_blocks;
        // Keep the lowest: what is listed must not depend on the order of the workers.
        if (found_.size() > listed_damage_limit) found_.erase(std::prev(found_.end()));
    }

    void move_to(UnpackResult& result) {
        for (auto& [first, damage] : found_)
            result.damage.push_back(std::move(damage));
        result.damage_count = count_;
        result.damaged_blocks = blocks_;
        result.unproven_blocks = unproven_;
    }

  private:
    std::mutex mutex_;
    std::map<BlockIndex, ExtentDamage> found_;
    std::uint64_t count_ = 0;
    std::uint64_t blocks_ = 0;
    std::uint64_t unproven_ = 0;
};

// The part of the logical device that is wanted.
struct Part {
    std::uint64_t start;
    std::uint64_t end;

    WindowIndex first_window() const noexcept { return {start / window_bytes}; }
    WindowIndex end_window() const noexcept { return {ceil_div(end, window_bytes)}; }
};

Part part_of(const Image& image, const UnpackOptions& options) {
    const std::uint64_t size = image.geometry().logical_bytes();
    if (options.offset_bytes > size) {
        throw Error(ErrorKind::refused, {.file = image.store().name()},
                    fmt::format("offset {} is after the end at {}", options.offset_bytes, size));
    }
    const std::uint64_t rest = size - options.offset_bytes;
    const std::uint64_t length = options.length_bytes.value_or(rest);
    if (length > rest) {
        throw Error(ErrorKind::refused, {.file = image.store().name()},
                    fmt::format("{} bytes from offset {} on reach beyond the end at {}", length,
                                options.offset_bytes, size));
    }
    return {options.offset_bytes, options.offset_bytes + length};
}

// Who is given the content wants all of it.
WindowIndex end_window(const Image& image, Part part, const UnpackOptions& options) {
    if (options.content == nullptr) return part.end_window();
    return {image.geometry().window_count()};
}

// A worker's memory, and the reading that both kinds of target share.
class BatchReader {
  public:
    BatchReader(const Image& image, Part part, DamageSink* damage, const UnpackOptions& options)
        : image_(image),
          part_(part),
          damage_(damage),
          keep_maps_(options.content != nullptr),
          reader_(image),
          buffer_(batch_bytes) {
        if (options.damage == UnpackOptions::Damage::salvage) {
            reader_.set_salvage(WindowReader::Salvage::prefix);
        }
        reader_.set_seal_check(options.seal_check);
    }

    // Reads a batch; the wanted bytes of it stand in content().
    void read(const WindowBatch& batch) {
        std::uint64_t length = 0;
        for (std::uint64_t i = 0; i < batch.count; ++i) {
            const WindowIndex window = batch.first + i;
            const std::uint64_t bytes = image_.geometry().blocks_in_window(window) * block_bytes;
            reader_.read(window, buffer_.span().subspan(length, bytes), damage_);
            if (keep_maps_) maps_[i] = reader_.meta().map(window);
            length += bytes;
        }
        const std::uint64_t batch_start = batch.first.value * window_bytes;
        start_ = std::min(std::max(batch_start, part_.start), batch_start + length);
        // Nothing of a batch behind the part is written.
        const std::uint64_t end = std::max(std::min(batch_start + length, part_.end), start_);
        content_ = buffer_.view().subspan(start_ - batch_start, end - start_);
    }

    // Gives the whole windows of the batch to a sink.
    void tell(const WindowBatch& batch, ContentSink& sink) const {
        std::uint64_t at = 0;
        for (std::uint64_t i = 0; i < batch.count; ++i) {
            const WindowIndex window = batch.first + i;
            const std::uint64_t bytes = image_.geometry().blocks_in_window(window) * block_bytes;
            sink.window({window, buffer_.view().subspan(at, bytes), bytes, &maps_[i]});
            at += bytes;
        }
    }

    std::uint64_t long_words() const noexcept { return reader_.long_words(); }
    // Position of content() on the logical device.
    std::uint64_t start_byte() const noexcept { return start_; }
    ByteView content() const noexcept { return content_; }

  private:
    const Image& image_;
    Part part_;
    DamageSink* damage_;
    bool keep_maps_;
    WindowReader reader_;
    AlignedBuffer buffer_;
    std::array<WindowMap, batch_windows> maps_;
    std::uint64_t start_ = 0;
    ByteView content_;
};

// Writes what is not zeros, a contiguous run at a time.
class SparseWriter {
  public:
    SparseWriter(Store& target, TargetContent content) : target_(target), content_(content) {}

    std::uint64_t write(std::uint64_t at_byte, ByteView bytes) {
        std::uint64_t written = 0;
        for (std::size_t at = 0; at < bytes.size();) {
            const bool zeros = is_zero(piece(bytes, at));
            std::size_t end = at + piece(bytes, at).size();
            while (end < bytes.size() && is_zero(piece(bytes, end)) == zeros) {
                end += piece(bytes, end).size();
            }
            if (!zeros) {
                target_.write_at(at_byte + at, bytes.subspan(at, end - at));
                written += end - at;
            } else {
                clear(at_byte + at, end - at);
            }
            at = end;
        }
        return written;
    }

    void clear(std::uint64_t at_byte, std::uint64_t length_bytes) {
        if (content_ == TargetContent::unknown) target_.zero(at_byte, length_bytes);
    }

  private:
    static ByteView piece(ByteView bytes, std::size_t at) {
        return bytes.subspan(at, std::min<std::size_t>(block_bytes, bytes.size() - at));
    }

    Store& target_;
    TargetContent content_;
};

void advance(const Control& control, const WindowBatch& batch) {
    control.advance((batch.skipped + batch.count) * window_bytes);
}

}  // namespace

std::uint64_t unpacked_bytes(const Image& image, const UnpackOptions& options) {
    const Part part = part_of(image, options);
    return part.end - part.start;
}

UnpackResult unpack(const Image& image, Store& target, const UnpackOptions& options,
                    const Control& control) {
    require_settled(image.store(), options.pending);
    const Part part = part_of(image, options);
    UnpackResult result;
    result.logical_bytes = part.end - part.start;
    control.begin(result.logical_bytes);
    DamageList damage;
    DamageSink* sink = options.damage == UnpackOptions::Damage::fail ? nullptr : &damage;
    SparseWriter writer(target, options.target_content);
    Writeback writeback(target);
    std::atomic<std::uint64_t> written = 0;
    std::atomic<std::uint64_t> long_words = 0;

    MappedBatches batches(image, part.first_window(), end_window(image, part, options));
    std::uint64_t cleared_to = part.start;
    const auto clear_to = [&](std::uint64_t byte) {
        if (byte > cleared_to) writer.clear(cleared_to - part.start, byte - cleared_to);
    };
    const auto take = [&](WindowBatch& batch) {
        if (!batches.take(batch)) return false;
        clear_to(std::min(batch.first.value * window_bytes, part.end));
        cleared_to = std::min((batch.first + batch.count).value * window_bytes, part.end);
        return true;
    };
    const auto make_reader = [&] {
        return std::make_unique<BatchReader>(image, part, sink, options);
    };
    const auto work = [&](BatchReader& reader, WindowBatch& batch) {
        const std::uint64_t before = reader.long_words();
        reader.read(batch);
        long_words += reader.long_words() - before;
        const std::uint64_t at = reader.start_byte() - part.start;
        if (!reader.content().empty()) {
            written += writer.write(at, reader.content());
            writeback.written(at, reader.content().size());
        }
        advance(control, batch);
    };
    if (options.content == nullptr) {
        for_each<WindowBatch>(control, take, [&] {
            return [&, reader = make_reader()](WindowBatch& batch) { work(*reader, batch); };
        });
    } else {
        for_each_in_order<WindowBatch>(control, take, [&] {
            return OrderedWorker{make_reader(), work, [&](BatchReader& reader, WindowBatch& batch) {
                                     reader.tell(batch, *options.content);
                                 }};
        });
    }
    clear_to(part.end);
    control.advance(part.end - cleared_to);
    result.written_bytes = written;
    result.long_words = long_words;
    damage.move_to(result);
    return result;
}

UnpackResult unpack(const Image& image, Target& target, UnpackOptions options,
                    const Control& control) {
    options.target_content = target.content();
    target.prepare();
    UnpackResult result = unpack(image, target.store(), options, control);
    control.syncing();
    target.commit();
    return result;
}

UnpackResult unpack_to_stream(const Image& image, int fd, const std::string& name,
                              const UnpackOptions& options, const Control& control) {
    require_settled(image.store(), options.pending);
    const Part part = part_of(image, options);
    UnpackResult result;
    result.logical_bytes = part.end - part.start;
    result.written_bytes = result.logical_bytes;
    control.begin(result.logical_bytes);
    DamageList damage;
    DamageSink* sink = options.damage == UnpackOptions::Damage::fail ? nullptr : &damage;

    StreamTarget target(fd, name, control.stop);
    std::atomic<std::uint64_t> long_words = 0;
    std::uint64_t next_window = part.first_window().value;
    const auto take = [&](WindowBatch& batch) {
        const std::uint64_t end = end_window(image, part, options).value;
        if (next_window >= end) return false;
        const std::uint64_t boundary = (next_window / batch_windows + 1) * batch_windows;
        batch = {{next_window}, std::min(boundary, end) - next_window, 0};
        next_window += batch.count;
        return true;
    };
    const auto work = [&](BatchReader& reader, WindowBatch& batch) {
        const std::uint64_t before = reader.long_words();
        reader.read(batch);
        long_words += reader.long_words() - before;
    };
    const auto emit = [&](BatchReader& reader, WindowBatch& batch) {
        target.write(reader.content());
        if (options.content != nullptr) reader.tell(batch, *options.content);
        advance(control, batch);
    };
    for_each_in_order<WindowBatch>(control, take, [&] {
        return OrderedWorker{std::make_unique<BatchReader>(image, part, sink, options), work, emit};
    });
    result.long_words = long_words;
    damage.move_to(result);
    return result;
}

}  // namespace insitu
