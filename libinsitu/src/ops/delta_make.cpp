// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "insitu/error.hpp"
#include "insitu/internal/engine/stop_check.hpp"
#include "insitu/internal/format/intent.hpp"
#include "insitu/internal/image/meta_cursor.hpp"
#include "insitu/internal/ops/delta.hpp"
#include "journal/redo_stream.hpp"
#include "window/plan.hpp"
#include "window/zero_blocks.hpp"

namespace insitu {

namespace {

// A window of an image as it is stored.
class StoredWindow {
  public:
    explicit StoredWindow(const Image& image) : image_(image), cursor_(image) {}

    WindowIndex next_mapped(WindowIndex from) { return cursor_.next_mapped(from); }

    // Throws a `damaged` Error for a window that the driver would not write.
    void load(WindowIndex window) {
        const WindowMap map = cursor_.map(window);
        const auto extents = cursor_.extents_touching(window);
        const bool plain =
            map.sound() && std::all_of(extents.begin(), extents.end(), [&](const auto& extent) {
                return window_of({extent.end().value - 1}) == window;
            });
        if (!plain) {
            throw Error(ErrorKind::damaged,
                        {.file = image_.store().name(),
                         .window = window,
                         .byte = image_.geometry().window_meta_at_byte(window)},
                        "the meta of the window makes no sense, or an extent crosses its border",
                        "insitu-fsck -y repairs it first");
        }
        // Bits behind the last block have no meaning.
        map.encode(meta_);
        live_ = sectors_in_place(map);
        const std::uint64_t at = image_.geometry().block_at_byte(first_block_of(window));
        live_.for_each_run([&](unsigned first, unsigned sectors) {
            image_.store().read_at(at + first * sector_bytes, bytes(first, sectors));
        });
    }

    const WindowMeta& meta() const noexcept { return meta_; }
    const SectorMask& live() const noexcept { return live_; }
    ByteSpan bytes(unsigned first_sector, unsigned sectors) noexcept {
        return buffer_.span().subspan(first_sector * sector_bytes, sectors * sector_bytes);
    }

    // Nothing of a window without mapped blocks: bits behind the last block do not make one.
    void add_to(RunningHash& hash, WindowIndex window) {
        if (is_zero(meta_)) return;
        std::array<std::byte, sizeof(std::uint64_t)> index{};
        for (std::size_t i = 0; i < index.size(); ++i)
            index[i] = static_cast<std::byte>(window.value >> (8 * i));
        hash.add(index);
        hash.add(meta_);
        live_.for_each_run(
            [&](unsigned first, unsigned sectors) { hash.add(bytes(first, sectors)); });
    }

  private:
    const Image& image_;
    MetaCursor cursor_;
    WindowMeta meta_{};
    SectorMask live_;
    AlignedBuffer buffer_{window_bytes};
};

// Appends records to a file behind the place of its header.
class RecordWriter {
  public:
    explicit RecordWriter(Store& file) : file_(file) {}
    void append(ByteView bytes) {
        hash_.add(bytes);
        record_bytes_ += bytes.size();
        while (!bytes.empty()) {
            const ByteView part = bytes.first(std::min(bytes.size(), buffer_.size() - filled_));
            std::memcpy(buffer_.data() + filled_, part.data(), part.size());
            filled_ += part.size();
            bytes = bytes.subspan(part.size());
            if (filled_ == buffer_.size()) flush();
        }
    }
    void finish(DeltaHeader& header) {
        flush();
        header.record_bytes = record_bytes_;
        header.record_hash = hash_.value();
        std::array<std::byte, delta_header_bytes> bytes{};
        encode_delta_header(header, bytes);
        file_.write_at(0, bytes);
    }

  private:
    void flush() {
        file_.write_at(at_byte_, buffer_.first(filled_));
        at_byte_ += filled_;
        filled_ = 0;
    }

    Store& file_;
    RunningHash hash_;
    AlignedBuffer buffer_{std::size_t{1} << 19};
    std::size_t filled_ = 0;
    std::uint64_t at_byte_ = delta_header_bytes;
    std::uint64_t record_bytes_ = 0;
};

// The sectors of the new window that the old one does not have in the same place. What lies in its
// holes proves nothing.
SectorMask differing(StoredWindow& before, StoredWindow& after) {
    SectorMask result;
    for (unsigned sector = 0; sector < window_sectors; ++sector) {
        if (!after.live().test(sector)) continue;
        const bool same = before.live().test(sector) &&
                          std::memcmp(before.bytes(sector, 1).data(), after.bytes(sector, 1).data(),
                                      sector_bytes) == 0;
        if (!same) result.add(sector, 1);
    }
    return result;
}

void write_record(RecordWriter& writer, WindowIndex window, const StoredWindow& before,
                  StoredWindow& after, const SectorMask& changed) {
    std::vector<RedoPiece> pieces;
    changed.for_each_run([&](unsigned first, unsigned sectors) {
        pieces.push_back({static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(sectors),
                          RedoPiece::Kind::written});
    });
    std::array<std::byte, redo_window_bytes> head{};
    encode_redo_window(
        {window, before.meta(), after.meta(), static_cast<std::uint32_t>(pieces.size())}, head);
    writer.append(head);
    for (const RedoPiece& piece : pieces) {
        std::array<std::byte, redo_piece_bytes> place{};
        encode_redo_piece(piece, place);
        writer.append(place);
    }
    for (const RedoPiece& piece : pieces)
        writer.append(after.bytes(piece.first_sector, piece.sectors));
}

void require_alike(const Image& before, const Image& after) {
    if (before.super().counts == after.super().counts && before.algorithm() == after.algorithm()) {
        return;
    }
    throw Error(ErrorKind::refused, {.file = before.store().name()},
                fmt::format("has {} blocks and is {}, {} has {} and is {}: a delta is between "
                            "images of one size and algorithm",
                            before.geometry().data_blocks(), to_string(before.algorithm()),
                            after.store().name(), after.geometry().data_blocks(),
                            to_string(after.algorithm())));
}

// Calls visit(window) for every window that is mapped in the image.
template <class Visit>
void for_each_mapped(StoredWindow& stored, const Image& image, const Control& control,
                     Visit visit) {
    const WindowIndex end{image.geometry().window_count()};
    control.begin(image.geometry().logical_bytes());
    WindowIndex done{0};
    for (WindowIndex window = stored.next_mapped({0}); window < end;
         window = stored.next_mapped(window + 1)) {
        throw_if_stopped(control);
        visit(window);
        control.advance((window.value + 1 - done.value) * window_bytes);
        done = window + 1;
    }
}

}  // namespace

std::uint64_t content_hash(const Image& image, const Control& control) {
    StoredWindow stored(image);
    RunningHash hash;
    for_each_mapped(stored, image, control, [&](WindowIndex window) {
        stored.load(window);
        stored.add_to(hash, window);
    });
    return hash.value();
}

DeltaResult make_delta(const Image& before, const Image& after,
                       const std::optional<Identity>& identity, Store& file,
                       const Control& control) {
    require_alike(before, after);
    DeltaResult result;
    result.header.counts = after.super().counts;
    result.header.comp_alg = after.super().comp_alg;
    result.header.identity = identity;
    StoredWindow old_window(before);
    StoredWindow new_window(after);
    RunningHash base_hash;
    RunningHash result_hash;
    RecordWriter writer(file);
    const WindowIndex end{after.geometry().window_count()};
    control.begin(after.geometry().logical_bytes());
    WindowIndex next_old = old_window.next_mapped({0});
    WindowIndex next_new = new_window.next_mapped({0});
    for (WindowIndex done{0}; std::min(next_old, next_new) < end;) {
        throw_if_stopped(control);
        const WindowIndex window = std::min(next_old, next_new);
        old_window.load(window);
        new_window.load(window);
        if (window == next_old) old_window.add_to(base_hash, window);
        if (window == next_new) new_window.add_to(result_hash, window);
        const SectorMask changed = differing(old_window, new_window);
        if (changed.any() || old_window.meta() != new_window.meta()) {
            write_record(writer, window, old_window, new_window, changed);
            ++result.windows;
            result.payload_bytes += changed.count() * sector_bytes;
        }
        if (window == next_old) next_old = old_window.next_mapped(window + 1);
        if (window == next_new) next_new = new_window.next_mapped(window + 1);
        control.advance((window.value + 1 - done.value) * window_bytes);
        done = window + 1;
    }
    result.header.base_hash = base_hash.value();
    result.header.result_hash = result_hash.value();
    writer.finish(result.header);
    return result;
}

}  // namespace insitu
