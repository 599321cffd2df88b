#include "codec/deflate.hpp"

#include <libdeflate.h>
#include <zlib.h>

#include <algorithm>
#include <new>

#ifdef INSITU_HAVE_ISAL
#include <isa-l/igzip_lib.h>

#include <vector>
#endif

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

#ifdef INSITU_HAVE_ISAL
class IsalEncoder final : public Encoder {
  public:
    IsalEncoder(unsigned level, unsigned window_bits)
        : level_(level), window_bits_(window_bits), buffer_(buffer_bytes(level)) {}

    std::size_t encode(ByteView input, ByteSpan output, std::size_t limit_bytes) noexcept override {
        isal_deflate_stateless_init(&stream_);
        stream_.level = level_;
        stream_.level_buf = buffer_.data();
        stream_.level_buf_size = static_cast<std::uint32_t>(buffer_.size());
        stream_.hist_bits = static_cast<std::uint16_t>(window_bits_);
        stream_.gzip_flag = IGZIP_DEFLATE;
        stream_.flush = NO_FLUSH;
        stream_.end_of_stream = 1;
        stream_.next_in = const_cast<std::uint8_t*>(bytes_of(input));
        stream_.avail_in = static_cast<std::uint32_t>(input.size());
        stream_.next_out = bytes_of(output);
        stream_.avail_out = static_cast<std::uint32_t>(std::min(limit_bytes, output.size()));
        return isal_deflate_stateless(&stream_) == COMP_OK ? stream_.total_out : 0;
    }

  private:
    // The small buffers end Huffman blocks sooner: a percent fewer sectors on a root file system.
    static std::size_t buffer_bytes(unsigned level) noexcept {
        return level == 1 ? ISAL_DEF_LVL1_SMALL : ISAL_DEF_LVL2_SMALL;
    }

    unsigned level_;
    unsigned window_bits_;
    std::vector<std::uint8_t> buffer_;
    isal_zstream stream_{};
};
#endif

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
constexpr int wide_window_bits = 15;

// ISA-L at its level 1 or 2; without it zlib's nearest. Its level 3 makes other bytes on each
// generation of CPUs: two builders would make two images of one tree.
std::unique_ptr<Encoder> make_quick_encoder(unsigned isal_level, int window_bits) {
#ifdef INSITU_HAVE_ISAL
    return std::make_unique<IsalEncoder>(isal_level, static_cast<unsigned>(window_bits));
#else
    return std::make_unique<ZlibEncoder>(isal_level == 1 ? 1 : 4, window_bits);
#endif
}

std::unique_ptr<Encoder> make_wide_encoder(Level level) {
    if (level == Level::fast) return make_quick_encoder(1, wide_window_bits);
    return std::make_unique<LibdeflateEncoder>(level == Level::normal ? 6 : 12);
}

std::unique_ptr<Encoder> make_narrow_encoder(Level level) {
    if (level == Level::best) return std::make_unique<ZlibEncoder>(9, driver_window_bits);
    return make_quick_encoder(level == Level::fast ? 1 : 2, driver_window_bits);
}

}  // namespace

std::unique_ptr<Encoder> make_deflate_encoder(Level level, DeflateWindow window) {
    return window == DeflateWindow::kib32 ? make_wide_encoder(level) : make_narrow_encoder(level);
}

std::unique_ptr<Decoder> make_deflate_decoder() {
    return std::make_unique<DeflateDecoder>();
}

}  // namespace insitu
