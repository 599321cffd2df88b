// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <vector>

#include "image/window_meta.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/engine/stop_check.hpp"
#include "insitu/internal/format/intent.hpp"
#include "insitu/internal/image/create.hpp"
#include "insitu/internal/image/unfinished.hpp"
#include "insitu/internal/journal/recovery.hpp"
#include "insitu/internal/ops/delta.hpp"
#include "journal/redo_stream.hpp"
#include "ops/update.hpp"
#include "window/plan.hpp"

namespace insitu {

namespace {

[[noreturn]] void refuse_delta(const Store& file, std::uint64_t at_byte, const std::string& text) {
    throw Error(ErrorKind::refused, {.file = file.name(), .byte = at_byte}, text);
}

DeltaHeader read_header(const Store& file) {
    std::array<std::byte, delta_header_bytes> bytes{};
    if (file.size_bytes() < bytes.size()) refuse_delta(file, 0, "is not a delta between images");
    file.read_at(0, bytes);
    const auto header = decode_delta_header(bytes);
    if (!header) refuse_delta(file, 0, "is not a delta between images");
    const std::uint64_t room = file.size_bytes() - delta_header_bytes;
    if (header->record_bytes == room) return *header;
    refuse_delta(file, delta_header_bytes,
                 fmt::format("has {} bytes of records, expected {}", room, header->record_bytes));
}

void require_hash(const Store& file, const DeltaHeader& header, const Control& control) {
    AlignedBuffer buffer(std::size_t{1} << 20);
    RunningHash hash;
    for (std::uint64_t done = 0; done < header.record_bytes;) {
        throw_if_stopped(control);
        const ByteSpan part =
            buffer.first(std::min<std::uint64_t>(buffer.size(), header.record_bytes - done));
        file.read_at(delta_header_bytes + done, part);
        hash.add(part);
        done += part.size();
    }
    if (hash.value() == header.record_hash) return;
    refuse_delta(file, delta_header_bytes,
                 "the records are not those that were written: the hash "
                 "differs");
}

// Takes the records apart. They come from outside: each is inside the image, or nothing is done.
class RecordReader {
  public:
    RecordReader(const Store& file, const DeltaHeader& header)
        : file_(file),
          geometry_(header.counts),
          end_byte_(delta_header_bytes + header.record_bytes) {}

    // Calls visit(window record, pieces, offset of their bytes) for each.
    template <class Visit>
    void run(Visit visit) {
        std::uint64_t least_window = 0;
        while (at_byte_ < end_byte_) {
            std::array<std::byte, redo_window_bytes> head{};
            take(head);
            const RedoWindow window = unsafe_redo_window(head);
            if (window.window.value < least_window ||
                window.window.value >= geometry_.window_count() || window.pieces > window_sectors) {
                refuse_record();
            }
            least_window = window.window.value + 1;
            const std::uint64_t bytes = read_pieces(window);
            if (bytes > end_byte_ - at_byte_) refuse_record();
            visit(window, pieces_, at_byte_);
            at_byte_ += bytes;
        }
    }

  private:
    [[noreturn]] void refuse_record() const {
        refuse_delta(file_, at_byte_, "a record is outside the image or the file");
    }
    void take(ByteSpan output) {
        if (output.size() > end_byte_ - at_byte_) refuse_record();
        file_.read_at(at_byte_, output);
        at_byte_ += output.size();
    }
    std::uint64_t read_pieces(const RedoWindow& window) {
        const std::uint64_t room =
            geometry_.blocks_in_window(window.window) * std::uint64_t{sectors_per_block};
        const WindowMap map =
            WindowMap::decode(window.after, geometry_.blocks_in_window(window.window));
        if (!map.sound()) refuse_record();
        std::uint64_t bytes = 0;
        std::uint64_t next = 0;
        pieces_.clear();
        for (std::uint32_t i = 0; i < window.pieces; ++i) {
            std::array<std::byte, redo_piece_bytes> place{};
            take(place);
            const RedoPiece piece = unsafe_redo_piece(place);
            const std::uint64_t end = std::uint64_t{piece.first_sector} + piece.sectors;
            if (piece.first_sector < next || end > room || piece.sectors == 0) refuse_record();
            next = end;
            bytes += piece.bytes();
            pieces_.push_back(piece);
        }
        return bytes;
    }

    const Store& file_;
    Geometry geometry_;
    std::uint64_t at_byte_ = delta_header_bytes;
    std::uint64_t end_byte_;
    std::vector<RedoPiece> pieces_;
};

void write_records(const Store& file, const DeltaHeader& header, Store& target,
                   const Control& control) {
    const Geometry geometry(header.counts);
    AlignedBuffer buffer(window_bytes);
    control.begin(header.record_bytes);
    RecordReader(file, header)
        .run([&](const RedoWindow& window, const std::vector<RedoPiece>& pieces, std::uint64_t at) {
            const std::uint64_t space = geometry.block_at_byte(first_block_of(window.window));
            for (const RedoPiece& piece : pieces) {
                const ByteSpan bytes = buffer.first(piece.bytes());
                file.read_at(at, bytes);
                target.write_at(space + piece.offset_bytes(), bytes);
                at += piece.bytes();
                control.advance(piece.bytes());
            }
            write_window_meta(target, geometry, window.window, window.after);
        });
}

// Whether the target is the result already.
bool compare_with_base(const DeltaHeader& header, Store& target, const SuperBlock& super,
                       const Control& control) {
    const std::uint64_t hash = content_hash(Image(target, super), control);
    if (hash == header.result_hash) return true;
    if (hash == header.base_hash) return false;
    throw Error(ErrorKind::refused, {.file = target.name()},
                fmt::format("is not the image that the delta was made for: the hash of its content "
                            "is {:016x}, expected {:016x}",
                            hash, header.base_hash),
                "insitu-copy --update from the new image needs no certain base");
}

}  // namespace

UpdateTotals apply_delta(const Store& file, Store& target, const Control& control) {
    const DeltaHeader header = read_header(file);
    if (!counts_addressable(header.counts) || header.comp_alg > 1) {
        refuse_delta(file, 0, "is for an image that cannot be");
    }
    require_hash(file, header, control);
    RecordReader(file, header).run([](const auto&, const auto&, std::uint64_t) {});
    if (!unfinished_work(target)) settle_intents(target);
    Update update(target, static_cast<Algorithm>(header.comp_alg));
    if (update.super().counts != header.counts) {
        throw Error(ErrorKind::refused, {.file = target.name()},
                    fmt::format("has {} blocks, the delta is for an image of {}",
                                update.super().counts.data_blocks, header.counts.data_blocks));
    }
    const bool is_result =
        !update.may_be_torn() && compare_with_base(header, target, update.super(), control);
    if (!is_result) {
        write_records(file, header, update.store(), control);
        control.syncing();
        update.store().sync();
        const std::uint64_t hash = content_hash(Image(target, update.super()), control);
        if (hash != header.result_hash) {
            throw Error(ErrorKind::damaged, {.file = target.name()},
                        fmt::format("the hash of the result is {:016x}, expected {:016x}: the "
                                    "delta does not complete what was interrupted here",
                                    hash, header.result_hash));
        }
    }
    update.finish(header.identity);
    return update.totals();
}

}  // namespace insitu
