// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "pack/read_only_store.hpp"

namespace insitu::apps {

// The raw content of an Android sparse image (simg), for reading: what it does not care about, and
// what it fills with zeros, are holes. Its checksums are not looked at, as by simg2img(1). Memory:
// 24 bytes for each chunk that holds something, of which at most 4 Mi are taken.
class SparseImage final : public ReadOnlyStore {
  public:
    // Reads the headers of all chunks. `file` outlives it. Throws a `refused` Error for what is no
    // such image, or one that is cut off or contradicts itself; `io` ones.
    explicit SparseImage(const Store& file);
    explicit SparseImage(const Store&& file) = delete;

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

    void read_chunks(const Header& header);
    void read_chunk_header(const Header& header, Position& position);
    [[noreturn]] void refuse(std::uint64_t at_byte, const std::string& text) const;
    std::uint64_t start_of(const Chunk& chunk) const noexcept;
    std::uint64_t end_of(const Chunk& chunk) const noexcept;
    std::vector<Chunk>::const_iterator chunk_at_or_after(std::uint64_t at_byte) const noexcept;
    void read_chunk(const Chunk& chunk, std::uint64_t at_byte, ByteSpan output) const;

    const Store& file_;
    std::uint64_t block_bytes_ = 0;
    std::uint64_t size_bytes_ = 0;
    std::vector<Chunk> chunks_;  // rising
};

}  // namespace insitu::apps
