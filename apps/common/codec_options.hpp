// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "insitu/internal/codec/codec.hpp"
#include "insitu/pack.hpp"

namespace CLI {
class App;
}

namespace insitu::apps {

// --alg lzo|deflate
void add_algorithm_option(CLI::App& cli, Algorithm& algorithm);
// --alg, --level, --window; the last is wrong usage without --alg deflate. Takes the callback of
// `cli`; `options` lives as long.
void add_codec_options(CLI::App& cli, EncoderOptions& options);
// --extent 4K…128K|auto
void add_extent_option(CLI::App& cli, ExtentPolicy& policy);
// Adds --no-seals.
void add_seals_option(CLI::App& cli, Seals& seals);

// What these options chose, as lines of text: what -v adds to a report.
std::string codec_text(const EncoderOptions& options, const ExtentPolicy& policy);

}  // namespace insitu::apps
