// SPDX-License-Identifier: GPL-2.0-or-later
#include "journal/redo_stream.hpp"

#include <algorithm>
#include <cstring>

namespace insitu {

RedoWriter::RedoWriter(std::function<SectorRun()> take_run,
                       std::function<void(SectorRun, ByteView)> write, AlignedBuffer& buffer)
    : take_run_(std::move(take_run)),
      write_(std::move(write)),
      buffer_(buffer),
      first_(take_run_()),
      current_(first_),
      filled_(run_link_bytes) {}

void RedoWriter::append(ByteView bytes) {
    hash_.add(bytes);
    stream_bytes_ += bytes.size();
    while (!bytes.empty()) {
        if (filled_ == current_.bytes()) {
            const SectorRun next = take_run_();
            write_run(next);
            current_ = next;
            filled_ = run_link_bytes;
        }
        const std::size_t step = std::min<std::size_t>(bytes.size(), current_.bytes() - filled_);
        std::memcpy(buffer_.data() + filled_, bytes.data(), step);
        filled_ += step;
        bytes = bytes.subspan(step);
    }
}

void RedoWriter::write_run(SectorRun next) {
    encode_run_link(next, buffer_.first(run_link_bytes).first<run_link_bytes>());
    const std::size_t length = ceil_div(filled_, sector_bytes) * sector_bytes;
    std::memset(buffer_.data() + filled_, 0, length - filled_);
    write_(current_, buffer_.first(length));
    written_bytes_ += length;
}

void RedoWriter::finish(Intent& intent) {
    write_run({});
    intent.first = first_;
    intent.redo_bytes = stream_bytes_;
    intent.redo_hash = hash_.value();
}

std::uint64_t stream_bytes_of(const ChangedSectors& sectors) {
    std::uint64_t bytes = redo_window_bytes + sectors.old_hashes.size() * redo_hash_bytes;
    for (const ChangedSectors::Piece& piece : sectors.pieces) {
        bytes += redo_piece_bytes;
        if (piece.place.kind == RedoPiece::Kind::written) bytes += piece.bytes.size();
    }
    return bytes;
}

void append_window(RedoWriter& writer, WindowIndex window, const WindowMeta& before,
                   const WindowMeta& after, const ChangedSectors& sectors) {
    std::array<std::byte, redo_window_bytes> head{};
    encode_redo_window({window, before, after, static_cast<std::uint32_t>(sectors.pieces.size())},
                       head);
    writer.append(head);
    for (const ChangedSectors::Piece& piece : sectors.pieces) {
        std::array<std::byte, redo_piece_bytes> place{};
        encode_redo_piece(piece.place, place);
        writer.append(place);
    }
    for (const std::uint32_t hash : sectors.old_hashes) {
        std::array<std::byte, redo_hash_bytes> bytes{};
        encode_redo_hash(hash, bytes);
        writer.append(bytes);
    }
    for (const ChangedSectors::Piece& piece : sectors.pieces) {
        if (piece.place.kind == RedoPiece::Kind::written) writer.append(piece.bytes);
    }
}

}  // namespace insitu
