// SPDX-License-Identifier: GPL-2.0-or-later
// insitu-bench codec RAW ALG LEVEL     encode and decode windows of 128 KiB in memory
// insitu-bench encode|decode RAW ALG LEVEL   one round of that, as a row of run.sh's tables
// insitu-bench io-pack RAW TARGET      the reads and writes of packing RAW, without the codec
// insitu-bench io-unpack IMAGE TARGET  the reads and writes of unpacking IMAGE
// insitu-bench meta                    decode maps of windows in memory
// insitu-bench extents RAW ALG LEVEL   what each extent policy makes of RAW, and its CPU
// insitu-bench codecs RAW [STRIDE [ROUNDS]]   every level beside the encoders of others
// insitu-bench reads IMAGE [READS]     random 4 KiB reads by open_image(), beside those by a Device
//
// A row is `cpu-seconds wall-seconds peak-KiB`; the others print `name value` lines. CPU seconds
// are of this process, medians of five rounds in which the candidates take turns.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "codec_table.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/format/payload.hpp"
#include "insitu/internal/format/window_map.hpp"
#include "insitu/internal/store/null_store.hpp"
#include "insitu/open_store.hpp"
#include "insitu/pack.hpp"
#include "read_ratio.hpp"
#include "replay.hpp"
#include "stopwatch.hpp"
#include "window/zero_blocks.hpp"

using namespace insitu;

namespace {

constexpr int rounds = 5;

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

EncoderOptions encoder_options(const std::string& algorithm, const std::string& level) {
    EncoderOptions options;
    options.algorithm = algorithm == "deflate" ? Algorithm::deflate : Algorithm::lzo;
    options.level = level == "fast" ? Level::fast : level == "best" ? Level::best : Level::normal;
    return options;
}

// Every window that is not zeros, whole windows only.
std::vector<std::vector<std::byte>> load_windows(const std::string& path) {
    const auto store = open_store(path, Access::read);
    std::vector<std::vector<std::byte>> windows;
    const std::uint64_t size = store->size_bytes();
    for (std::uint64_t at = store->next_data(0); at + window_bytes <= size;) {
        at = at / window_bytes * window_bytes;
        std::vector<std::byte> window(window_bytes);
        store->read_at(at, window);
        if (!is_zero(window)) windows.push_back(std::move(window));
        at = store->next_data(at + window_bytes);
    }
    return windows;
}

// The codec over windows in memory.
class CodecRun {
  public:
    CodecRun(const std::string& path, const EncoderOptions& options)
        : windows_(load_windows(path)),
          streams_(windows_.size()),
          encoder_(make_encoder(options)),
          decoder_(make_decoder(options.algorithm)),
          output_(encode_bound_bytes(window_bytes)) {}

    std::size_t count() const { return windows_.size(); }

    // Keeps the streams where they are to be decoded later.
    void encode(bool keep) {
        for (std::size_t i = 0; i < windows_.size(); ++i) {
            const std::size_t length =
                encoder_->encode(windows_[i], output_, longest_stream_bytes(window_blocks));
            if (!keep) continue;
            const auto end = output_.begin() + static_cast<std::ptrdiff_t>(length);
            streams_[i].assign(output_.begin(), end);
        }
    }

    void decode() {
        const std::span decoded = std::span(output_).first(window_bytes);
        for (std::size_t i = 0; i < windows_.size(); ++i) {
            if (streams_[i].empty()) {
                std::memcpy(decoded.data(), windows_[i].data(), window_bytes);
            } else if (decoder_->decode(streams_[i], decoded).status != DecodeStatus::ok) {
                throw Error(ErrorKind::damaged, {}, "a stream does not decode");
            }
        }
    }

  private:
    std::vector<std::vector<std::byte>> windows_;
    std::vector<std::vector<std::byte>> streams_;
    std::unique_ptr<Encoder> encoder_;
    std::unique_ptr<Decoder> decoder_;
    std::vector<std::byte> output_;
};

int bench_codec(const std::string& path, const EncoderOptions& options) {
    CodecRun codec(path, options);
    std::vector<double> encode_seconds;
    std::vector<double> decode_seconds;
    codec.encode(true);
    for (int round = 0; round < rounds; ++round) {
        const double start = cpu_seconds();
        codec.encode(false);
        const double middle = cpu_seconds();
        codec.decode();
        encode_seconds.push_back(middle - start);
        decode_seconds.push_back(cpu_seconds() - middle);
    }
    fmt::print("windows {}\nencode_cpu_seconds {:.3f}\ndecode_cpu_seconds {:.3f}\n", codec.count(),
               median(encode_seconds), median(decode_seconds));
    return 0;
}

int bench_round(const std::string& what, const std::string& path, const EncoderOptions& options) {
    CodecRun codec(path, options);
    if (what == "decode") codec.encode(true);
    const Stopwatch stopwatch;
    if (what == "decode") {
        codec.decode();
    } else {
        codec.encode(false);
    }
    stopwatch.print_row();
    return 0;
}

// Maps as packs make them: a few extents a window; and the hardest: 32 extents.
int bench_meta() {
    constexpr std::size_t count = std::size_t{1} << 20;
    const std::map<std::string, unsigned> kinds{
        {"1_extent", 32U}, {"4_extents", 8U}, {"32_extents", 1U}};
    for (const auto& [name, blocks] : kinds) {
        WindowMap map;
        for (unsigned first = 0; first < window_blocks; first += blocks) {
            map.set_extent({first, blocks, blocks * 5});
        }
        std::vector<std::byte> meta(count * window_meta_bytes);
        for (std::size_t i = 0; i < count; ++i) {
            map.encode(std::span(meta).subspan(i * window_meta_bytes).first<window_meta_bytes>());
        }
        std::vector<double> decode_only;
        std::vector<double> with_extents;
        std::uint64_t sum = 0;
        for (int round = 0; round < rounds; ++round) {
            double start = cpu_seconds();
            for (std::size_t i = 0; i < count; ++i) {
                sum += WindowMap::decode(std::span<const std::byte>(meta)
                                             .subspan(i * window_meta_bytes)
                                             .first<window_meta_bytes>())
                           .sound();
            }
            decode_only.push_back(cpu_seconds() - start);
            start = cpu_seconds();
            for (std::size_t i = 0; i < count; ++i) {
                const WindowMap decoded = WindowMap::decode(std::span<const std::byte>(meta)
                                                                .subspan(i * window_meta_bytes)
                                                                .first<window_meta_bytes>());
                for (const Extent extent : decoded.extents())
                    sum += extent.payload_sectors;
            }
            with_extents.push_back(cpu_seconds() - start);
        }
        const double bytes = static_cast<double>(meta.size());
        fmt::print(
            "meta_{}_bytes_per_second {:.3g}\nmeta_{}_with_extents_bytes_per_second {:.3g}\n", name,
            bytes / median(decode_only), name, bytes / median(with_extents));
        if (sum == 0) return 1;
    }
    return 0;
}

int bench_extents(const std::string& path, const EncoderOptions& options) {
    struct Row {
        std::string name;
        unsigned blocks;
        ExtentTotals totals;
        std::vector<double> seconds;
    };
    std::vector<Row> rows{{"128K", 32, {}, {}}, {"64K", 16, {}, {}}, {"32K", 8, {}, {}},
                          {"16K", 4, {}, {}},   {"8K", 2, {}, {}},   {"4K", 1, {}, {}},
                          {"auto", 0, {}, {}}};
    const auto store = open_store(path, Access::read);
    NullStore target(pack_target_bytes(store->size_bytes()));
    for (int round = 0; round < rounds; ++round) {
        for (Row& row : rows) {
            PackOptions pack_options;
            pack_options.codec = options;
            pack_options.extents.blocks = row.blocks;
            const double start = cpu_seconds();
            row.totals = pack(*make_source(*store), target, pack_options, {.threads = 1}).extents;
            row.seconds.push_back(cpu_seconds() - start);
        }
    }
    const Row& base = rows.front();
    fmt::print("| extent | sectors | of 128K | on a host | mean read | CPU of 128K |\n");
    for (const Row& row : rows) {
        std::vector<double> ratios;
        for (std::size_t i = 0; i < row.seconds.size(); ++i) {
            ratios.push_back(row.seconds[i] / base.seconds[i]);
        }
        const auto mapped = static_cast<double>(row.totals.mapped_blocks);
        fmt::print("| {} | {:.1f} % | {:+.2f} % | {:.1f} % | {:.1f} KiB | {:.2f} |\n", row.name,
                   static_cast<double>(row.totals.payload_sectors) / mapped / 8 * 100,
                   static_cast<double>(row.totals.payload_sectors) /
                           static_cast<double>(base.totals.payload_sectors) * 100 -
                       100,
                   static_cast<double>(row.totals.host_blocks) / mapped * 100,
                   row.totals.mean_read_bytes() / 1024, median(ratios));
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> args(argv + 1, argv + argc);
    try {
        if (args.size() == 4 && args[0] == "codec") {
            return bench_codec(args[1], encoder_options(args[2], args[3]));
        }
        if (args.size() == 4 && (args[0] == "encode" || args[0] == "decode")) {
            return bench_round(args[0], args[1], encoder_options(args[2], args[3]));
        }
        if (args.size() == 3 && args[0] == "io-pack") return replay_pack(args[1], args[2]);
        if (args.size() == 3 && args[0] == "io-unpack") return replay_unpack(args[1], args[2]);
        if (args.size() == 1 && args[0] == "meta") return bench_meta();
        if (args.size() >= 2 && args.size() <= 4 && args[0] == "codecs") {
            const auto number = [&](std::size_t i, unsigned otherwise) {
                return args.size() > i ? static_cast<unsigned>(std::stoul(args[i])) : otherwise;
            };
            return print_codec_tables(args[1], number(2, 8), number(3, rounds));
        }
        if ((args.size() == 2 || args.size() == 3) && args[0] == "reads") {
            const unsigned long reads = args.size() == 3 ? std::stoul(args[2]) : 50000;
            constexpr unsigned read_rounds = 9;  // of three candidates that take turns
            return print_read_ratio(args[1], static_cast<unsigned>(reads), read_rounds);
        }
        if (args.size() == 4 && args[0] == "extents") {
            return bench_extents(args[1], encoder_options(args[2], args[3]));
        }
    } catch (const std::exception& error) {
        fmt::print(stderr, "insitu-bench: {}\n", error.what());
        return 1;
    }
    fmt::print(stderr,
               "usage: insitu-bench codec|encode|decode|extents RAW ALG LEVEL | "
               "codecs RAW [STRIDE [ROUNDS]] | meta | reads IMAGE [READS] | "
               "io-pack RAW TARGET | io-unpack IMAGE TARGET\n");
    return 2;
}
