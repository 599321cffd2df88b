// SPDX-License-Identifier: GPL-2.0-or-later
// codec_speed FILE lzo|deflate [THREADS]: compresses and decompresses FILE in memory as whole
// windows, and prints MB/s: what the live device is measured against.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "insitu/internal/codec/codec.hpp"
#include "insitu/internal/device/device.hpp"
#include "insitu/internal/format/payload.hpp"
#include "insitu/internal/window/extent_encoder.hpp"

using namespace insitu;

namespace {

// MB/s of `work(window)` over all windows by so many threads, each with its own.
template <class MakeWork>
double measure(std::size_t windows, unsigned threads, MakeWork make_work) {
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::thread> pool;
    for (unsigned t = 0; t < threads; ++t) {
        pool.emplace_back([&, t] {
            auto work = make_work();
            for (std::size_t window = t; window < windows; window += threads)
                work(window);
        });
    }
    for (std::thread& thread : pool)
        thread.join();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    return static_cast<double>(windows * window_bytes) / 1e6 / taken.count();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) return 2;
    std::ifstream file(argv[1], std::ios::binary);
    const std::string content((std::istreambuf_iterator<char>(file)), {});
    const EncoderOptions options{
        std::string(argv[2]) == "lzo" ? Algorithm::lzo : Algorithm::deflate, DeviceOptions{}.level,
        DeflateWindow::kib2};
    const unsigned threads = argc > 3 ? static_cast<unsigned>(std::atoi(argv[3])) : 2;
    const std::size_t windows = content.size() / window_bytes;
    const auto window_of = [&](std::size_t i) {
        return std::as_bytes(std::span(content).subspan(i * window_bytes, window_bytes));
    };
    std::vector<std::vector<std::byte>> payloads(windows);
    const double encoded = measure(windows, threads, [&] {
        return [&, encoder = std::make_shared<ExtentEncoder>(options, Seals::none)](std::size_t i) {
            const ByteView payload = encoder->encode(first_block_of({i}), window_of(i));
            payloads[i].assign(payload.begin(), payload.end());
        };
    });
    const double decoded = measure(windows, threads, [&] {
        return [&, decoder = std::shared_ptr<Decoder>(make_decoder(options.algorithm)),
                output = std::make_shared<AlignedBuffer>(window_bytes)](std::size_t i) {
            const ByteView payload = payloads[i];
            if (payload.size() == window_bytes) {
                std::memcpy(output->data(), payload.data(), payload.size());
            } else {
                decoder->decode(payload.first(unsafe_stream_length(payload)), output->span());
            }
        };
    });
    fmt::print("{:.0f} {:.0f}\n", encoded, decoded);
}
