#include "codec/deflate.hpp"

#include <libdeflate.h>

#include <algorithm>
#include <new>

#include "codec/deflate_greedy.hpp"
#include "codec/deflate_optimal.hpp"

namespace insitu {

namespace {

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

std::unique_ptr<Encoder> make_wide_encoder(Level level) {
    if (level == Level::fast) return make_deflate_wide_one_table_encoder();
    return std::make_unique<LibdeflateEncoder>(level == Level::normal ? 6 : 12);
}

std::unique_ptr<Encoder> make_narrow_encoder(Level level) {
    if (level == Level::best) return make_deflate_optimal_encoder({24, 48, 1});
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
