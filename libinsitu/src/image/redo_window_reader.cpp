// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/redo_window_reader.hpp"

#include <array>

namespace insitu {

RedoWindowReader::RedoWindowReader(const Store& store, const Geometry& geometry,
                                   const Intent& intent)
    : reader_(store, geometry, intent), geometry_(geometry), redo_hash_(intent.redo_hash) {}

bool RedoWindowReader::read_pieces(Redo& redo, std::uint32_t room_sectors) {
    std::uint32_t end = 0;
    std::size_t sectors = 0;
    std::size_t written_bytes = 0;
    redo.pieces.clear();
    for (std::uint32_t i = 0; i < redo.window.pieces; ++i) {
        std::array<std::byte, redo_piece_bytes> bytes{};
        if (!reader_.read(bytes)) return false;
        const RedoPiece piece = unsafe_redo_piece(bytes);
        if (piece.sectors == 0 || piece.first_sector < end) return false;
        end = piece.first_sector + std::uint32_t{piece.sectors};
        if (end > room_sectors) return false;
        sectors += piece.sectors;
        if (piece.kind == RedoPiece::Kind::written) written_bytes += piece.bytes();
        redo.pieces.push_back(piece);
    }
    redo.hashes.resize(sectors);
    redo.bytes.resize(written_bytes);
    return true;
}

bool RedoWindowReader::next(Redo& redo) {
    std::array<std::byte, redo_window_bytes> head{};
    if (reader_.at_end() || !reader_.read(head)) return false;
    redo.window = unsafe_redo_window(head);
    const WindowIndex window = redo.window.window;
    if (window.value < least_window_ || window.value >= geometry_.window_count()) return false;
    least_window_ = window.value + 1;
    const std::uint32_t room = geometry_.blocks_in_window(window) * sectors_per_block;
    if (redo.window.pieces > room || !read_pieces(redo, room)) return false;
    for (std::uint32_t& hash : redo.hashes) {
        std::array<std::byte, redo_hash_bytes> bytes{};
        if (!reader_.read(bytes)) return false;
        hash = decode_redo_hash(bytes);
    }
    return reader_.read(redo.bytes);
}

}  // namespace insitu
