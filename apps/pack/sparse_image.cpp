// SPDX-License-Identifier: GPL-2.0-or-later
#include "pack/sparse_image.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "insitu/error.hpp"
#include "pack/sparse_sums.hpp"

namespace insitu::apps {

// Of the file: magic, versions, sizes of headers; then what is kept here. Of a chunk: type (16
// bits), 16 bits unused, blocks, bytes in the file with the header. All little-endian.
struct SparseImage::Header {
    std::uint16_t header_bytes;
    std::uint16_t chunk_header_bytes;
    std::uint32_t blocks;
    std::uint32_t chunks;
    std::uint32_t sum;  // of all content; 0: not computed
};

struct SparseImage::Position {
    std::uint64_t at_byte;  // in the file
    std::uint32_t block;    // in the content
    std::uint32_t chunk;
};

struct SparseImage::StoredChunk {
    std::uint64_t at_byte;  // of its header
    std::uint32_t number;
    std::uint16_t type;
    std::uint32_t first_block;
    std::uint32_t blocks;   // 0 of a checksum
    std::uint64_t data_at;  // in the file
    std::array<std::byte, 4> value;
};

namespace {

constexpr std::size_t file_header_bytes = 28;
constexpr std::size_t chunk_header_bytes = 12;
constexpr std::uint16_t raw_chunk = 0xcac1;
constexpr std::uint16_t fill_chunk = 0xcac2;
constexpr std::uint16_t hole_chunk = 0xcac3;  // has no data
constexpr std::uint16_t sum_chunk = 0xcac4;
constexpr std::uint64_t value_bytes = 4;

template <class Number>
Number number_at(ByteView bytes, std::size_t at) {
    Number value = 0;
    for (std::size_t i = sizeof(Number); i-- > 0;)
        value = static_cast<Number>(value << 8U | std::to_integer<Number>(bytes[at + i]));
    return value;
}

}  // namespace

SparseImage::SparseImage(const Store& file, const StopFlag* stop)
    : ReadOnlyStore(file.name()), file_(file) {
    constexpr std::uint32_t magic = 0xed26ff3a;
    constexpr std::uint32_t largest_block = 1U << 26;
    std::array<std::byte, file_header_bytes> bytes{};
    if (file.size_bytes() < bytes.size()) refuse(0, "it is too short for a header");
    file.read_at(0, bytes);
    if (number_at<std::uint32_t>(bytes, 0) != magic) refuse(0, "it has not the magic of one");
    const auto version = number_at<std::uint16_t>(bytes, 4);
    if (version != 1) refuse(4, fmt::format("its version is {}, 1 is known", version));
    const Header header{number_at<std::uint16_t>(bytes, 8), number_at<std::uint16_t>(bytes, 10),
                        number_at<std::uint32_t>(bytes, 16), number_at<std::uint32_t>(bytes, 20),
                        number_at<std::uint32_t>(bytes, 24)};
    if (header.header_bytes < file_header_bytes || header.chunk_header_bytes < chunk_header_bytes) {
        refuse(8, "its headers are shorter than they can be");
    }
    block_bytes_ = number_at<std::uint32_t>(bytes, 12);
    if (block_bytes_ == 0 || block_bytes_ % value_bytes != 0 || block_bytes_ > largest_block) {
        refuse(12, fmt::format("its blocks have {} bytes", block_bytes_));
    }
    size_bytes_ = block_bytes_ * header.blocks;
    read_chunks(header);
    if (has_sums_ || header.sum != 0) check_sums(header, stop);
}

void SparseImage::read_chunks(const Header& header) {
    constexpr std::size_t most_chunks = std::size_t{1} << 22;
    Position position{header.header_bytes, 0, 0};
    for (; position.chunk < header.chunks; ++position.chunk) {
        keep(read_chunk_header(header, position));
        if (chunks_.size() > most_chunks) {
            refuse(position.at_byte, fmt::format("it has more than {} chunks", most_chunks));
        }
    }
    if (position.block != header.blocks) {
        refuse(position.at_byte, fmt::format("it says that it has {} blocks, its chunks have {}",
                                             header.blocks, position.block));
    }
    if (position.at_byte != file_.size_bytes()) {
        refuse(position.at_byte, fmt::format("{} bytes follow its last chunk",
                                             file_.size_bytes() - position.at_byte));
    }
}

SparseImage::StoredChunk SparseImage::read_chunk_header(const Header& header,
                                                        Position& position) const {
    const std::uint64_t at = position.at_byte;
    const std::uint32_t number = position.chunk;
    std::array<std::byte, chunk_header_bytes> bytes{};
    if (at + header.chunk_header_bytes > file_.size_bytes()) {
        refuse(at, fmt::format("it ends before chunk {} of {}", number, header.chunks));
    }
    file_.read_at(at, bytes);
    const auto type = number_at<std::uint16_t>(bytes, 0);
    const auto blocks = number_at<std::uint32_t>(bytes, 4);
    const std::uint64_t total_bytes = number_at<std::uint32_t>(bytes, 8);
    const std::uint64_t data_at = at + header.chunk_header_bytes;
    if (type < raw_chunk || type > sum_chunk) {
        refuse(at, fmt::format("chunk {} has the unknown type {:#x}", number, type));
    }
    const bool has_value = type == fill_chunk || type == sum_chunk;
    const std::uint64_t data_bytes = type == raw_chunk ? block_bytes_ * blocks
                                     : has_value       ? value_bytes
                                                       : 0;
    if (total_bytes != header.chunk_header_bytes + data_bytes) {
        refuse(at, fmt::format("chunk {} has {} bytes, {} were expected", number, total_bytes,
                               header.chunk_header_bytes + data_bytes));
    }
    if (data_at + data_bytes > file_.size_bytes()) {
        refuse(at, fmt::format("it ends within chunk {} of {}", number, header.chunks));
    }
    StoredChunk chunk{at, number, type, position.block, blocks, data_at, {}};
    if (has_value) file_.read_at(data_at, chunk.value);
    if (type == sum_chunk) chunk.blocks = 0;
    position.at_byte = data_at + data_bytes;
    if (chunk.blocks > header.blocks - position.block) {
        refuse(at, fmt::format("chunk {} goes beyond the {} blocks that it says", number,
                               header.blocks));
    }
    position.block += chunk.blocks;
    return chunk;
}

void SparseImage::keep(const StoredChunk& chunk) {
    if (chunk.type == sum_chunk) has_sums_ = true;
    std::uint32_t value = 0;
    std::memcpy(&value, chunk.value.data(), sizeof value);
    const bool raw = chunk.type == raw_chunk;
    if (chunk.blocks == 0 || (!raw && value == 0)) return;
    chunks_.push_back({chunk.first_block, chunk.blocks, raw ? chunk.data_at : 0, value});
}

void SparseImage::check_sums(const Header& header, const StopFlag* stop) const {
    constexpr std::uint64_t sum_at_byte = 24;
    SparseSums sums;
    const auto compare = [&](std::uint32_t sum, std::uint64_t at_byte, const std::string& what) {
        if (sums.agree(sum)) return;
        refuse(at_byte, fmt::format("{} has the CRC-32 {:08x}, {:08x} was expected", what,
                                    sums.value(), sum));
    };
    Position position{header.header_bytes, 0, 0};
    for (; position.chunk < header.chunks; ++position.chunk) {
        const StoredChunk chunk = read_chunk_header(header, position);
        const std::uint64_t length = block_bytes_ * chunk.blocks;
        if (chunk.type == raw_chunk) sums.add_raw(file_, chunk.data_at, length, stop);
        if (chunk.type == fill_chunk) sums.add_fill(chunk.value, length);
        if (chunk.type == hole_chunk) sums.add_hole(length);
        if (chunk.type != sum_chunk) continue;
        compare(number_at<std::uint32_t>(chunk.value, 0), chunk.at_byte,
                fmt::format("the content before chunk {}", chunk.number));
    }
    if (header.sum != 0) compare(header.sum, sum_at_byte, "the content");
}

void SparseImage::refuse(std::uint64_t at_byte, const std::string& text) const {
    throw Error(ErrorKind::refused, {.file = name(), .byte = at_byte},
                fmt::format("cannot be read as an Android sparse image: {}", text));
}

std::uint64_t SparseImage::start_of(const Chunk& chunk) const noexcept {
    return block_bytes_ * chunk.first_block;
}

std::uint64_t SparseImage::end_of(const Chunk& chunk) const noexcept {
    return start_of(chunk) + block_bytes_ * chunk.blocks;
}

std::vector<SparseImage::Chunk>::const_iterator SparseImage::chunk_at_or_after(
    std::uint64_t at_byte) const noexcept {
    return std::partition_point(chunks_.begin(), chunks_.end(),
                                [&](const Chunk& chunk) { return end_of(chunk) <= at_byte; });
}

void SparseImage::read_chunk(const Chunk& chunk, std::uint64_t at_byte, ByteSpan output) const {
    const std::uint64_t offset = at_byte - start_of(chunk);
    if (chunk.file_byte != 0) return file_.read_at(chunk.file_byte + offset, output);
    std::array<std::byte, value_bytes> value{};
    std::memcpy(value.data(), &chunk.fill_value, value.size());
    for (std::size_t i = 0; i < output.size(); ++i)
        output[i] = value.at((offset + i) % value_bytes);
}

void SparseImage::read_at(std::uint64_t at_byte, ByteSpan output) const {
    if (at_byte > size_bytes_ || output.size() > size_bytes_ - at_byte) {
        throw io_error({.file = name(), .byte = at_byte}, "cannot read beyond the end", EINVAL);
    }
    std::fill(output.begin(), output.end(), std::byte{0});
    const std::uint64_t end = at_byte + output.size();
    for (auto chunk = chunk_at_or_after(at_byte); chunk != chunks_.end(); ++chunk) {
        const std::uint64_t from = std::max(at_byte, start_of(*chunk));
        const std::uint64_t to = std::min(end, end_of(*chunk));
        if (from >= to) break;
        read_chunk(*chunk, from, output.subspan(from - at_byte, to - from));
    }
}

std::uint64_t SparseImage::next_data(std::uint64_t at_byte) const {
    const auto chunk = chunk_at_or_after(at_byte);
    return chunk == chunks_.end() ? size_bytes_ : std::max(at_byte, start_of(*chunk));
}

std::uint64_t SparseImage::next_hole(std::uint64_t at_byte) const {
    for (auto chunk = chunk_at_or_after(at_byte);
         chunk != chunks_.end() && start_of(*chunk) <= at_byte; ++chunk)
        at_byte = end_of(*chunk);
    return std::min(at_byte, size_bytes_);
}

}  // namespace insitu::apps
