// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/codec_options.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/choices.hpp"

namespace insitu::apps {

void add_algorithm_option(CLI::App& cli, Algorithm& algorithm) {
    add_choice<Algorithm>(cli, "--alg", algorithm, "Compression: lzo or deflate (default: lzo)",
                          "ALG", {{"lzo", Algorithm::lzo}, {"deflate", Algorithm::deflate}});
}

void add_codec_options(CLI::App& cli, EncoderOptions& options) {
    add_algorithm_option(cli, options.algorithm);
    std::vector<std::pair<std::string, Level>> levels{
        {"fast", Level::fast}, {"default", Level::normal}, {"best", Level::best}};
    for (std::uint8_t number = 1; number <= 9; ++number)
        levels.emplace_back(std::to_string(number), Level{number});
    add_choice<Level>(cli, "--level", options.level,
                      "Effort: fast, default or best, or 1 to 9 (default: default, which is 3)",
                      "LEVEL", std::move(levels));
    const CLI::Option* const window = add_choice<DeflateWindow>(
        cli, "--window", options.window,
        "How far back deflate may point: 2K as the driver does, or 32K, which packs tighter but is "
        "not "
        "readable by ports of the driver to Linux 6.15 and later (default: 2K)",
        "SIZE", {{"2K", DeflateWindow::kib2}, {"32K", DeflateWindow::kib32}});
    // Which algorithm it goes with is known when all options are.
    cli.callback([window, &options] {
        if (window->count() == 0 || options.algorithm == Algorithm::deflate) return;
        throw CLI::ValidationError(
            "--window", fmt::format("is for deflate, the algorithm is {}; add --alg deflate",
                                    to_string(options.algorithm)));
    });
}

void add_seals_option(CLI::App& cli, Seals& seals) {
    cli.add_flag_callback(
        "--no-seals", [&seals] { seals = Seals::none; },
        "Leave the seals out that prove the content of payloads");
}

void add_extent_option(CLI::App& cli, ExtentPolicy& policy) {
    add_choice<unsigned>(
        cli, "--extent", policy.blocks,
        "Extent size: 4K, 8K, 16K, 32K, 64K, 128K, or auto: by content (default: auto)", "SIZE",
        {{"auto", 0U},
         {"4K", 1U},
         {"8K", 2U},
         {"16K", 4U},
         {"32K", 8U},
         {"64K", 16U},
         {"128K", 32U}});
}

namespace {

std::string level_text(Level level) {
    switch (level) {
        case Level::fast:
            return ", fast";
        case Level::normal:
            return ", default level";
        case Level::best:
            return ", best";
    }
    return fmt::format(", level {}", static_cast<unsigned>(level));
}

}  // namespace

std::string codec_text(const EncoderOptions& options, const ExtentPolicy& policy) {
    std::string codec = to_string(options.algorithm);
    codec += level_text(options.level);
    if (options.algorithm == Algorithm::deflate) {
        codec += options.window == DeflateWindow::kib32 ? ", window of 32K" : ", window of 2K";
    }
    const std::string cut = policy.blocks == 0
                                ? std::string("by content")
                                : fmt::format("{}K at most", policy.blocks * block_bytes / 1024);
    return fmt::format("{:<12}{}\n{:<12}{}\n", "codec", codec, "extent size", cut);
}

}  // namespace insitu::apps
