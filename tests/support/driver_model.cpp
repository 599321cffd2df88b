// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/driver_model.hpp"

#include <lzo/lzo1x.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <new>
#include <stdexcept>
#include <string_view>

#include "insitu/internal/format/payload.hpp"
#include "support/little_endian.hpp"

namespace insitu::test {

namespace {

using Bytes = DriverModel::Bytes;

std::size_t hash_of(ByteView bytes) {
    return std::hash<std::string_view>{}(
        {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Bytes lzo_stream(ByteView content) {
    Bytes out(content.size() + content.size() / 16 + 128);
    Bytes scratch(LZO1X_1_MEM_COMPRESS);
    lzo_uint length = out.size();
    lzo1x_1_compress(reinterpret_cast<const unsigned char*>(content.data()), content.size(),
                     reinterpret_cast<unsigned char*>(out.data()), &length, scratch.data());
    out.resize(length);
    return out;
}

Bytes deflate_stream(ByteView content) {
    constexpr int window_bits = -11;
    constexpr int mem_level = 9;
    constexpr int level = 6;
    z_stream z{};
    if (deflateInit2(&z, level, Z_DEFLATED, window_bits, mem_level, Z_DEFAULT_STRATEGY) != Z_OK) {
        throw std::bad_alloc();
    }
    Bytes out(deflateBound(&z, content.size()));
    z.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(content.data()));
    z.avail_in = static_cast<uInt>(content.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    deflate(&z, Z_FINISH);
    out.resize(z.total_out);
    deflateEnd(&z);
    return out;
}

std::span<std::byte, window_meta_bytes> window_of_meta(Bytes& meta, WindowIndex window) {
    return ByteSpan(meta).subspan(window.value * window_meta_bytes).first<window_meta_bytes>();
}

}  // namespace

DriverModel::DriverModel(std::uint64_t data_blocks, Algorithm algorithm, const Bytes& old_disk)
    : geometry_(counts_for_device(smallest_device_blocks(data_blocks) * block_bytes)),
      algorithm_(algorithm),
      medium_(geometry_.device_bytes()),
      content_(data_blocks * block_bytes),
      contents_(data_blocks),
      payloads_(data_blocks) {
    if (geometry_.data_blocks() != data_blocks) throw std::logic_error("no device of that size");
    std::copy_n(old_disk.begin(), std::min(old_disk.size(), medium_.size()), medium_.begin());
    SuperBlock super;
    super.counts = geometry_.counts();
    super.comp_alg = static_cast<std::uint8_t>(algorithm);
    encode_super_block(super, ByteSpan(medium_).first<block_bytes>());
    metas_.emplace_back(geometry_.meta_bytes() + window_meta_bytes);
    remember(0, data_blocks);
    flush();
}

void DriverModel::remember(std::uint64_t first_block, std::uint64_t blocks) {
    for (std::uint64_t b = first_block; b < first_block + blocks; ++b)
        contents_[b].insert(hash_of(ByteView(content_).subspan(b * block_bytes, block_bytes)));
}

// The payload of an extent: a stream, old kernel memory, the length; or the blocks themselves.
Bytes DriverModel::compress(ByteView content) const {
    const Bytes stream =
        algorithm_ == Algorithm::lzo ? lzo_stream(content) : deflate_stream(content);
    if (stream.size() + length_word_bytes + sector_bytes > content.size()) {
        return {content.begin(), content.end()};
    }
    Bytes payload(payload_sectors_for(stream.size()) * sector_bytes, std::byte{0x6b});
    std::copy(stream.begin(), stream.end(), payload.begin());
    const auto length = little_endian(static_cast<std::uint32_t>(stream.size()));
    std::memcpy(payload.data() + payload.size() - sizeof length, length.data(), sizeof length);
    return payload;
}

DriverModel::Part DriverModel::stored_again(WindowIndex window, unsigned first,
                                            unsigned blocks) const {
    const std::uint64_t at = (first_block_of(window).value + first) * block_bytes;
    Part part{{first, blocks, 0}, compress(ByteView(content_).subspan(at, blocks * block_bytes))};
    part.extent.payload_sectors = static_cast<unsigned>(part.payload.size() / sector_bytes);
    return part;
}

// What becomes of the extents that a request meets, with the number of the part: 0 before, 1 the
// request itself, 2 behind. The logical content is the new one already.
std::vector<std::pair<unsigned, DriverModel::Part>> DriverModel::parts_of(WindowIndex window,
                                                                          Extent request) const {
    Bytes meta = metas_.back();
    const WindowMap map =
        WindowMap::decode(window_of_meta(meta, window), geometry_.blocks_in_window(window));
    const unsigned end = request.first + request.blocks;
    std::vector<std::pair<unsigned, Part>> parts;
    for (const Extent old : map.extents()) {
        const unsigned old_end = old.first + old.blocks;
        if (old.unmapped() || old_end <= request.first || old.first >= end) continue;
        if (old.first < request.first && old_end > end) {
            return {{1, stored_again(window, old.first, old.blocks)}};
        }
        const auto keep = [&](unsigned number, unsigned first, unsigned blocks) {
            Part part{{first, blocks, blocks * sectors_per_block}, {}};
            if (!old.raw()) part = stored_again(window, first, blocks);
            parts.emplace_back(number, std::move(part));
        };
        if (old.first < request.first) keep(0, old.first, request.first - old.first);
        if (old_end > end) keep(2, end, old_end - end);
    }
    parts.emplace_back(1, stored_again(window, request.first, request.blocks));
    return parts;
}

void DriverModel::store(WindowIndex window, const Part& part) {
    const BlockIndex first = first_block_of(window) + part.extent.first;
    if (!part.payload.empty()) {
        data_.push_back({geometry_.block_at_byte(first), part.payload});
        payloads_[first.value].insert(hash_of(part.payload));
    }
    Bytes meta = metas_.back();
    const unsigned blocks = geometry_.blocks_in_window(window);
    // Entry by entry, so that a part which comes without the others leaves their stale tails.
    WindowMap one(blocks);
    one.set_extent(part.extent);
    std::array<std::byte, window_meta_bytes> entries{};
    one.encode(entries);
    const auto to = window_of_meta(meta, window);
    for (unsigned bit = 5 * part.extent.first; bit < 5 * (part.extent.first + part.extent.blocks);
         ++bit) {
        const std::byte mask{static_cast<unsigned char>(1U << (bit % 8))};
        to[bit / 8] = (to[bit / 8] & ~mask) | (entries[bit / 8] & mask);
    }
    metas_.push_back(std::move(meta));
}

void DriverModel::write_in_window(std::uint64_t first_block, ByteView content, unsigned parts) {
    const WindowIndex window = window_of({first_block});
    const Extent request{static_cast<unsigned>(first_block % window_blocks),
                         static_cast<unsigned>(content.size() / block_bytes), 0};
    std::copy(content.begin(), content.end(),
              content_.begin() + static_cast<std::ptrdiff_t>(first_block * block_bytes));
    remember(first_block, request.blocks);
    for (const auto& [number, part] : parts_of(window, request)) {
        if (((parts >> number) & 1) != 0) store(window, part);
    }
}

void DriverModel::write(std::uint64_t first_block, ByteView content) {
    constexpr unsigned all_parts = 7;
    while (!content.empty()) {
        const std::uint64_t left = window_blocks - first_block % window_blocks;
        const std::size_t length = std::min<std::size_t>(content.size(), left * block_bytes);
        write_in_window(first_block, content.first(length), all_parts);
        content = content.subspan(length);
        first_block += length / block_bytes;
    }
}

void DriverModel::fail_write(std::uint64_t first_block, ByteView content, unsigned parts) {
    write_in_window(first_block, content, parts);
}

void DriverModel::flush() {
    medium_ = image();
    data_.clear();
    metas_.erase(metas_.begin(), metas_.end() - 1);
}

DriverModel::Bytes DriverModel::image() const {
    Bytes image = medium_;
    for (const Written& written : data_) {
        std::copy(written.bytes.begin(), written.bytes.end(),
                  image.begin() + static_cast<std::ptrdiff_t>(written.at_byte));
    }
    std::copy_n(metas_.back().begin(), geometry_.meta_bytes(),
                image.begin() + static_cast<std::ptrdiff_t>(geometry_.meta_at_byte()));
    return image;
}

DriverModel::Bytes DriverModel::crash(Random& random, DataKept data, MetaKept meta) const {
    Bytes image = medium_;
    const std::size_t first_ones = below(random, data_.size() + 1);
    for (std::size_t i = 0; i < data_.size(); ++i) {
        if (data == DataKept::none || (data == DataKept::first_ones && i >= first_ones)) break;
        if (data == DataKept::some && below(random, 2) == 0) continue;
        const Bytes& bytes = data_[i].bytes;
        for (std::size_t at = 0; at < bytes.size(); at += sector_bytes) {
            if (data == DataKept::some_sectors && below(random, 4) == 0) continue;
            std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), sector_bytes,
                        image.begin() + static_cast<std::ptrdiff_t>(data_[i].at_byte + at));
        }
    }
    std::size_t version = below(random, metas_.size());
    for (std::uint64_t at = 0; at < geometry_.meta_bytes(); at += sector_bytes) {
        if (meta == MetaKept::mixed_sectors) version = below(random, metas_.size());
        if (meta == MetaKept::old) version = 0;
        if (meta == MetaKept::current) version = metas_.size() - 1;
        std::copy_n(metas_[version].begin() + static_cast<std::ptrdiff_t>(at), sector_bytes,
                    image.begin() + static_cast<std::ptrdiff_t>(geometry_.meta_at_byte() + at));
    }
    return image;
}

bool DriverModel::ever_held(std::uint64_t block, ByteView content) const {
    return contents_[block].contains(hash_of(content));
}

bool DriverModel::ever_stored(std::uint64_t block, ByteView payload) const {
    return payloads_[block].contains(hash_of(payload));
}

}  // namespace insitu::test
