// SPDX-License-Identifier: GPL-2.0-or-later
#include "codec_table.hpp"

#include <fmt/format.h>
#include <libdeflate.h>
#include <lzo/lzo1x.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "insitu/internal/codec/codec.hpp"
#include "insitu/internal/format/payload.hpp"
#include "insitu/internal/store/memory_store.hpp"
#include "insitu/internal/store/null_store.hpp"
#include "insitu/open_store.hpp"
#include "insitu/pack.hpp"
#include "stopwatch.hpp"
#include "window/zero_blocks.hpp"

#ifdef BENCH_HAVE_ISAL
#include <isa-l/igzip_lib.h>
#endif
#ifdef BENCH_HAVE_LZ4
#include <lz4.h>
#endif

using namespace insitu;

namespace {

using Bytes = std::vector<std::byte>;
// Encodes an extent; 0: not within `limit` bytes.
using Encode = std::function<std::size_t(ByteView input, ByteSpan output, std::size_t limit)>;

struct Candidate {
    std::string name;
    Encode encode;
    std::vector<double> seconds{};
    std::uint64_t sectors = 0;
    std::uint64_t host_blocks = 0;
};

const unsigned char* in(ByteView view) {
    return reinterpret_cast<const unsigned char*>(view.data());
}
unsigned char* out(ByteSpan span) {
    return reinterpret_cast<unsigned char*>(span.data());
}

Candidate ours(const std::string& name, const EncoderOptions& options) {
    std::shared_ptr<Encoder> encoder = make_encoder(options);
    return {name, [encoder](ByteView input, ByteSpan output, std::size_t limit) {
                return encoder->encode(input, output, limit);
            }};
}

Candidate lzo1x_1() {
    auto memory = std::make_shared<Bytes>(LZO1X_1_MEM_COMPRESS);
    return {"lzo1x_1", [memory](ByteView input, ByteSpan output, std::size_t limit) {
                lzo_uint length = output.size();
                lzo1x_1_compress(in(input), input.size(), out(output), &length, memory->data());
                return length <= limit ? std::size_t{length} : 0;
            }};
}

Candidate lzo1x_999(int level) {
    auto memory = std::make_shared<Bytes>(LZO1X_999_MEM_COMPRESS);
    return {fmt::format("lzo1x_999, level {}", level),
            [memory, level](ByteView input, ByteSpan output, std::size_t limit) {
                lzo_uint length = output.size();
                lzo1x_999_compress_level(in(input), input.size(), out(output), &length,
                                         memory->data(), nullptr, 0, nullptr, level);
                return length <= limit ? std::size_t{length} : 0;
            }};
}

Candidate zlib(int level, int window_bits) {
    constexpr int mem_level = 7;
    std::shared_ptr<z_stream> stream(new z_stream{}, [](z_stream* z) {
        deflateEnd(z);
        delete z;
    });
    deflateInit2(stream.get(), level, Z_DEFLATED, -window_bits, mem_level, Z_DEFAULT_STRATEGY);
    return {fmt::format("zlib {}", level),
            [stream](ByteView input, ByteSpan output, std::size_t limit) -> std::size_t {
                deflateReset(stream.get());
                stream->next_in = const_cast<Bytef*>(in(input));
                stream->avail_in = static_cast<uInt>(input.size());
                stream->next_out = out(output);
                stream->avail_out = static_cast<uInt>(std::min(limit, output.size()));
                return deflate(stream.get(), Z_FINISH) == Z_STREAM_END ? stream->total_out : 0;
            }};
}

Candidate libdeflate(int level) {
    std::shared_ptr<libdeflate_compressor> compressor(libdeflate_alloc_compressor(level),
                                                      libdeflate_free_compressor);
    return {fmt::format("libdeflate {}", level),
            [compressor](ByteView input, ByteSpan output, std::size_t limit) {
                return libdeflate_deflate_compress(compressor.get(), input.data(), input.size(),
                                                   output.data(), std::min(limit, output.size()));
            }};
}

#ifdef BENCH_HAVE_ISAL
Candidate isal(unsigned level, unsigned window_bits) {
    auto buffer = std::make_shared<std::vector<std::uint8_t>>(ISAL_DEF_LVL3_SMALL);
    auto stream = std::make_shared<isal_zstream>();
    return {fmt::format("ISA-L {}", level),
            [=](ByteView input, ByteSpan output, std::size_t limit) -> std::size_t {
                isal_deflate_stateless_init(stream.get());
                stream->level = level;
                stream->level_buf = buffer->data();
                stream->level_buf_size =
                    level == 1 ? ISAL_DEF_LVL1_SMALL : static_cast<std::uint32_t>(buffer->size());
                stream->hist_bits = static_cast<std::uint16_t>(window_bits);
                stream->gzip_flag = IGZIP_DEFLATE;
                stream->flush = NO_FLUSH;
                stream->end_of_stream = 1;
                stream->next_in = const_cast<std::uint8_t*>(in(input));
                stream->avail_in = static_cast<std::uint32_t>(input.size());
                stream->next_out = out(output);
                stream->avail_out = static_cast<std::uint32_t>(std::min(limit, output.size()));
                return isal_deflate_stateless(stream.get()) == COMP_OK ? stream->total_out : 0;
            }};
}
#endif

#ifdef BENCH_HAVE_LZ4
Candidate lz4() {
    return {
        "lz4 (no stream of the format)", [](ByteView input, ByteSpan output, std::size_t limit) {
            return static_cast<std::size_t>(LZ4_compress_default(
                reinterpret_cast<const char*>(input.data()), reinterpret_cast<char*>(output.data()),
                static_cast<int>(input.size()), static_cast<int>(std::min(limit, output.size()))));
        }};
}
#endif

struct Content {
    std::vector<Bytes> runs;
    Bytes windows;  // the same, with their zeros
    std::size_t bytes = 0;
};

Content load(const std::string& path, unsigned stride) {
    const auto store = open_store(path, Access::read);
    Content content;
    Bytes window(window_bytes);
    unsigned number = 0;
    for (std::uint64_t at = 0; at + window_bytes <= store->size_bytes(); at += window_bytes) {
        store->read_at(at, window);
        std::uint32_t left = nonzero_blocks(window);
        if (left == 0 || number++ % stride != 0) continue;
        content.windows.insert(content.windows.end(), window.begin(), window.end());
        while (left != 0) {
            const auto first = static_cast<unsigned>(std::countr_zero(left));
            const auto length = static_cast<unsigned>(std::countr_one(left >> first));
            const ByteView run =
                ByteView(window).subspan(first * block_bytes, length * block_bytes);
            content.runs.emplace_back(run.begin(), run.end());
            content.bytes += run.size();
            left &= first + length < window_blocks ? ~std::uint32_t{0} << (first + length) : 0;
        }
    }
    return content;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

void measure(const Content& content, std::vector<Candidate>& candidates, unsigned rounds) {
    constexpr std::size_t turn_runs = 64;
    Bytes output(encode_bound_bytes(window_bytes) + window_bytes / 8);
    for (Candidate& candidate : candidates)
        candidate.seconds.assign(rounds, 0);
    for (unsigned round = 0; round < rounds; ++round) {
        for (std::size_t at = 0; at < content.runs.size(); at += turn_runs) {
            const std::size_t end = std::min(content.runs.size(), at + turn_runs);
            for (Candidate& candidate : candidates) {
                const double start = cpu_seconds();
                for (std::size_t i = at; i < end; ++i) {
                    const ByteView run = content.runs[i];
                    const auto blocks = static_cast<unsigned>(run.size() / block_bytes);
                    const std::size_t length =
                        candidate.encode(run, output, longest_stream_bytes(blocks));
                    if (round > 0) continue;
                    const std::uint64_t sectors =
                        length != 0 ? payload_sectors_for(length) : run.size() / sector_bytes;
                    candidate.sectors += sectors;
                    candidate.host_blocks += ceil_div(sectors, sectors_per_block);
                }
                candidate.seconds[round] += cpu_seconds() - start;
            }
        }
    }
}

double speed_ratio(const Candidate& candidate, const Candidate& base) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < base.seconds.size(); ++i)
        ratios.push_back(base.seconds[i] / candidate.seconds[i]);
    return median(ratios);
}

// What `--extent auto` makes of the same windows.
std::string auto_columns(const Content& content, const EncoderOptions& options) {
    MemoryStore source(content.windows.size());
    source.write_at(0, content.windows);
    NullStore target(pack_target_bytes(source.size_bytes()));
    PackOptions pack_options;
    pack_options.codec = options;
    const ExtentTotals totals =
        pack(*make_source(source), target, pack_options, {.threads = 1}).extents;
    const auto mapped = static_cast<double>(totals.mapped_blocks);
    return fmt::format("{:.2f} % | {:.2f} % | {:.1f} KiB",
                       static_cast<double>(totals.payload_sectors) / mapped / 8 * 100,
                       static_cast<double>(totals.host_blocks) / mapped * 100,
                       totals.mean_read_bytes() / 1024);
}

class Table {
  public:
    Table(const Content& content, const std::string& title) : content_(content), title_(title) {
        add(lzo1x_1());
    }

    void add(Candidate candidate) {
        candidates_.push_back(std::move(candidate));
        options_.push_back(nullptr);
    }
    void add_ours(const EncoderOptions& options) {
        const auto level = static_cast<unsigned>(options.level);
        candidates_.push_back(
            ours(fmt::format("**level {}{}**", level, name_of(options.level)), options));
        options_.push_back(std::make_unique<EncoderOptions>(options));
    }

    void print(unsigned rounds) {
        measure(content_, candidates_, rounds);
        fmt::print(
            "\n| {} | MB/s | speed × lzo1x_1 | sectors | on a host | auto: sectors | on a host | "
            "mean read |\n"
            "|---|---|---|---|---|---|---|---|\n",
            title_);
        for (std::size_t i = 0; i < candidates_.size(); ++i) {
            const Candidate& candidate = candidates_[i];
            const auto bytes = static_cast<double>(content_.bytes);
            fmt::print("| {} | {:.0f} | {:.3f} | {:.2f} % | {:.2f} % | {} |\n", candidate.name,
                       bytes / 1e6 / median(candidate.seconds),
                       speed_ratio(candidate, candidates_.front()),
                       static_cast<double>(candidate.sectors * sector_bytes) / bytes * 100,
                       static_cast<double>(candidate.host_blocks * block_bytes) / bytes * 100,
                       options_[i] ? auto_columns(content_, *options_[i]) : " | | ");
        }
    }

  private:
    static std::string name_of(Level level) {
        return level == Level::fast     ? ", fast"
               : level == Level::normal ? ", default"
               : level == Level::best   ? ", best"
                                        : "";
    }

    const Content& content_;
    std::string title_;
    std::vector<Candidate> candidates_;
    std::vector<std::unique_ptr<EncoderOptions>> options_;
};

void add_levels(Table& table, Algorithm algorithm, DeflateWindow window) {
    for (std::uint8_t level = 1; level <= 9; ++level)
        table.add_ours({algorithm, Level{level}, window});
}

}  // namespace

int print_codec_tables(const std::string& source, unsigned stride, unsigned rounds) {
    const Content content = load(source, stride);
    fmt::print("{} runs of blocks, {:.0f} MB, {} rounds\n", content.runs.size(),
               static_cast<double>(content.bytes) / 1e6, rounds);
    Table lzo(content, "LZO1X");
    for (const int level : {1, 5, 9})
        lzo.add(lzo1x_999(level));
#ifdef BENCH_HAVE_LZ4
    lzo.add(lz4());
#endif
    add_levels(lzo, Algorithm::lzo, DeflateWindow::kib2);
    lzo.print(rounds);

    constexpr int narrow_bits = 11;
    constexpr int wide_bits = 15;
    Table narrow(content, "deflate, window of 2 KiB");
    Table wide(content, "deflate, window of 32 KiB");
#ifdef BENCH_HAVE_ISAL
    for (const unsigned level : {1U, 2U, 3U})
        narrow.add(isal(level, narrow_bits));
    wide.add(isal(1, wide_bits));
#endif
    for (const int level : {1, 6, 9})
        narrow.add(zlib(level, narrow_bits));
    add_levels(narrow, Algorithm::deflate, DeflateWindow::kib2);
    narrow.print(rounds);

    wide.add(zlib(6, wide_bits));
    wide.add(libdeflate(1));
    add_levels(wide, Algorithm::deflate, DeflateWindow::kib32);
    wide.print(rounds);
    return 0;
}
