// SPDX-License-Identifier: GPL-2.0-or-later
#include "codec/deflate.hpp"

#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <new>

#include "codec/deflate_chains.hpp"
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

// Levels whose encoders take matches in order; none: the others.
std::unique_ptr<BorderEncoder> make_border_encoder(unsigned level, DeflateWindow window) {
    if (window == DeflateWindow::kib32) {
        return level < 3 ? make_deflate_wide_one_table_encoder() : nullptr;
    }
    switch (level) {
        case 0:
        case 1:
            return make_deflate_fastest_encoder();
        case 2:
            return make_deflate_one_table_encoder();
        case 3:
            return make_deflate_two_table_encoder();
        case 4:
            return make_deflate_chain_encoder(4);
        case 5:
            return make_deflate_chain_encoder(16);
        default:
            return nullptr;
    }
}

std::unique_ptr<Encoder> make_slow_encoder(unsigned level, DeflateWindow window) {
    if (window == DeflateWindow::kib32) {
        // libdeflate's levels for 3 to 9; its bytes are the same on every machine.
        constexpr std::array<int, 7> levels{6, 7, 8, 9, 10, 12, 12};
        return std::make_unique<LibdeflateEncoder>(levels[std::min(level - 3, 6U)]);
    }
    switch (level) {
        case 6:
            return make_deflate_optimal_encoder({4, 16, 1});
        case 7:
            return make_deflate_optimal_encoder({8, 32, 1});
        case 8:
            return make_deflate_optimal_encoder({24, 48, 1});
        default:
            return make_deflate_optimal_encoder({64, 64, 3});
    }
}

}  // namespace

std::unique_ptr<Encoder> make_deflate_encoder(Level level, DeflateWindow window) {
    const auto number = static_cast<unsigned>(level);
    auto encoder = make_border_encoder(number, window);
    return encoder ? make_whole_encoder(std::move(encoder)) : make_slow_encoder(number, window);
}

BorderChoice make_deflate_border_choice(Level level, DeflateWindow window) {
    const auto number = static_cast<unsigned>(level);
    auto encoder = make_border_encoder(number, window);
    if (encoder) return {std::move(encoder), nullptr, 100};
    // A quick encoder comes near enough to what a slow one takes to choose by: measured.
    constexpr unsigned wide_percent = 90;
    constexpr unsigned narrow_percent = 97;
    auto packer = make_slow_encoder(number, window);
    if (window == DeflateWindow::kib32) {
        return {make_deflate_wide_one_table_encoder(), std::move(packer), wide_percent};
    }
    return {make_deflate_chain_encoder(4), std::move(packer), narrow_percent};
}

std::unique_ptr<Decoder> make_deflate_decoder() {
    return std::make_unique<DeflateDecoder>();
}

}  // namespace insitu
