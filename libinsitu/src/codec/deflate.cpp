#include "codec/deflate.hpp"

#include <libdeflate.h>
#include <zlib.h>

#include <algorithm>
#include <new>

#include "codec/deflate_greedy.hpp"

namespace insitu {

namespace {

const Bytef* bytes_of(ByteView view) noexcept {
    return reinterpret_cast<const Bytef*>(view.data());
}
Bytef* bytes_of(ByteSpan span) noexcept {
    return reinterpret_cast<Bytef*>(span.data());
}

// zlib, the only encoder here that searches hard inside a small window.
class ZlibEncoder final : public Encoder {
  public:
    ZlibEncoder(int level, int window_bits) {
        // The driver uses 9. With a window of 2 KiB 7 is twice as fast, and ends its Huffman blocks
        // sooner, which suits file systems better.
        constexpr int mem_level = 7;
        if (deflateInit2(&stream_, level, Z_DEFLATED, -window_bits, mem_level,
                         Z_DEFAULT_STRATEGY) != Z_OK) {
            throw std::bad_alloc();
        }
    }
    ~ZlibEncoder() override { deflateEnd(&stream_); }
    ZlibEncoder(const ZlibEncoder&) = delete;
    ZlibEncoder& operator=(const ZlibEncoder&) = delete;

    std::size_t encode(ByteView input, ByteSpan output, std::size_t limit_bytes) noexcept override {
        deflateReset(&stream_);
        stream_.next_in = const_cast<Bytef*>(bytes_of(input));
        stream_.avail_in = static_cast<uInt>(input.size());
        stream_.next_out = bytes_of(output);
        stream_.avail_out = static_cast<uInt>(std::min(limit_bytes, output.size()));
        if (deflate(&stream_, Z_FINISH) != Z_STREAM_END) return 0;
        return stream_.total_out;
    }

  private:
    z_stream stream_{};
};

class LibdeflateEncoder final : public Encoder {
  public:
    explicit LibdeflateEncoder(int level) : compressor_(libdeflate_alloc_compressor(level)) {
        if (compressor_ == nullptr) throw std::bad_alloc();
    }
    ~LibdeflateEncoder() override { libdeflate_free_compressor(compressor_); }
    LibdeflateEncoder(const LibdeflateEncoder&) = delete;
    LibdeflateEncoder& operator=(const LibdeflateEncoder&) = delete;

    std::size_t encode(ByteView input, ByteSpan output, std::size_t limit_bytes) noexcept override {
        return libdeflate_deflate_compress(compressor_, input.data(), input.size(), output.data(),
                                           std::min(limit_bytes, output.size()));
    }

  private:
    libdeflate_compressor* compressor_;
};

class DeflateDecoder final : public Decoder {
  public:
    DeflateDecoder() : decompressor_(libdeflate_alloc_decompressor()) {
        if (decompressor_ == nullptr) throw std::bad_alloc();
    }
    ~DeflateDecoder() override { libdeflate_free_decompressor(decompressor_); }
    DeflateDecoder(const DeflateDecoder&) = delete;
    DeflateDecoder& operator=(const DeflateDecoder&) = delete;

    DecodeResult decode(ByteView stream, ByteSpan output) noexcept override {
        std::size_t consumed = 0;
        std::size_t produced = 0;
        const libdeflate_result result =
            libdeflate_deflate_decompress_ex(decompressor_, stream.data(), stream.size(),
                                             output.data(), output.size(), &consumed, &produced);
        if (result == LIBDEFLATE_INSUFFICIENT_SPACE) return {DecodeStatus::overflow, 0};
        if (result != LIBDEFLATE_SUCCESS || consumed != stream.size()) {
            return {DecodeStatus::corrupt, 0};
        }
        return {DecodeStatus::ok, produced};
    }

  private:
    libdeflate_decompressor* decompressor_;
};

constexpr int driver_window_bits = 11;

std::unique_ptr<Encoder> make_wide_encoder(Level level) {
    if (level == Level::fast) return make_deflate_wide_one_table_encoder();
    return std::make_unique<LibdeflateEncoder>(level == Level::normal ? 6 : 12);
}

std::unique_ptr<Encoder> make_narrow_encoder(Level level) {
    if (level == Level::best) return std::make_unique<ZlibEncoder>(9, driver_window_bits);
    return level == Level::fast ? make_deflate_one_table_encoder()
                                : make_deflate_two_table_encoder();
}

}  // namespace

std::unique_ptr<Encoder> make_deflate_encoder(Level level, DeflateWindow window) {
    return window == DeflateWindow::kib32 ? make_wide_encoder(level) : make_narrow_encoder(level);
}

std::unique_ptr<Decoder> make_deflate_decoder() {
    return std::make_unique<DeflateDecoder>();
}

}  // namespace insitu
