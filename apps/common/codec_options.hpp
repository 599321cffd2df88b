#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "insitu/codec/codec.hpp"
#include "insitu/ops/pack.hpp"

namespace insitu::apps {

// --alg lzo|deflate
void add_algorithm_option(CLI::App& cli, Algorithm& algorithm);
// --alg, --level, --window
void add_codec_options(CLI::App& cli, EncoderOptions& options);
// --extent 4K…128K|auto
void add_extent_option(CLI::App& cli, ExtentPolicy& policy);

}  // namespace insitu::apps
