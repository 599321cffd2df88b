// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "insitu/internal/engine/control.hpp"
#include "pack/read_only_store.hpp"

namespace insitu::apps {

// The raw content of an Android sparse image (simg), for reading: what it does not care about, and
// what it fills with zeros, are holes. If it has checksums, all of it is read once more to compare
// them. Memory: 24 bytes for each chunk that holds something, of which at most 4 Mi are taken.
class SparseImage final : public ReadOnlyStore {
  public:
    // Reads the headers of all chunks, and the content if it has checksums. `file` outlives it.
    // `stop` ends that, and may be null. Throws a `refused` Error for what is no such image, or one
    // that is cut off, contradicts itself or has other content than its checksums say; `io` and
    // `cancelled` ones.
    SparseImage(const Store& file, const StopFlag* stop);
    SparseImage(const Store&& file, const StopFlag* stop) = delete;

    std::uint64_t size_bytes() const override { return size_bytes_; }
    void read_at(std::uint64_t at_byte, ByteSpan output) const override;
    std::uint64_t next_data(std::uint64_t at_byte) const override;
    std::uint64_t next_hole(std::uint64_t at_byte) const override;

  private:
    // Blocks that hold something, and where it is.
    struct Chunk {
        std::uint32_t first_block;
        std::uint32_t blocks;
        std::uint64_t file_byte;   // of raw content; 0: filled
        std::uint32_t fill_value;  // its bytes as in the file
    };
    struct Header;
    struct Position;
    struct StoredChunk;

    void read_chunks(const Header& header);
    StoredChunk read_chunk_header(const Header& header, Position& position) const;
    void keep(const StoredChunk& chunk);
    void check_sums(const Header& header, const StopFlag* stop) const;
    [[noreturn]] void refuse(std::uint64_t at_byte, const std::string& text) const;
    std::uint64_t start_of(const Chunk& chunk) const noexcept;
    std::uint64_t end_of(const Chunk& chunk) const noexcept;
    std::vector<Chunk>::const_iterator chunk_at_or_after(std::uint64_t at_byte) const noexcept;
    void read_chunk(const Chunk& chunk, std::uint64_t at_byte, ByteSpan output) const;

    const Store& file_;
    std::uint64_t block_bytes_ = 0;
    std::uint64_t size_bytes_ = 0;
    bool has_sums_ = false;
    std::vector<Chunk> chunks_;  // rising
};

}  // namespace insitu::apps
