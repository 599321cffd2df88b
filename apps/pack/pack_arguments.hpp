// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/identity_options.hpp"
#include "common/manifest_writer.hpp"
#include "common/tool.hpp"
#include "insitu/internal/ops/source.hpp"
#include "insitu/pack.hpp"
#include "pack/expectation.hpp"
#include "pack/pack_input.hpp"

namespace insitu::apps {

// The command line of insitu-pack.
struct PackArguments {
    std::string source;
    std::string target;  // empty: nothing but a measurement
    std::string size;
    std::string from;
    std::string sector_size;
    std::string manifest;
    std::string target_manifest;
    std::string expect_size;
    std::string expect_sha256;
    std::string check_manifest;
    RawSum raw_sum = RawSum::automatic;
    PackOptions pack;
    IdentityArguments identity;
    bool verify = false;
    bool force = false;
    bool update = false;
    bool label_given = false;
    bool in_place = false;
    bool raw = false;
    bool allow_empty = false;
    bool dry_run = false;
    bool measure = false;

    bool to_stdout() const { return target == "-"; }
};

void add_pack_arguments(Tool& tool, PackArguments& arguments);

// Refuses what would overwrite its own input, before anything is opened for writing. `device_bytes`
// is the size of a target that is a block device. Throws `refused` Errors, and a CLI::ParseError
// where the target is missing.
void check_paths(const PackArguments& arguments, std::optional<std::uint64_t> device_bytes);

// What the options say of the source. Throws a CLI::ValidationError for what is no size or sum.
Expectation expectation_of(const PackArguments& arguments);

// The logical size of the image in bytes, where it does not follow from the source.
std::optional<std::uint64_t> fixed_logical_bytes(const PackArguments& arguments,
                                                 std::optional<std::uint64_t> device_bytes);

// How the source is to be opened.
PackInputOptions input_options_of(const PackArguments& arguments,
                                  std::optional<std::uint64_t> device_bytes);

// The size of the image's device in bytes, from what is known of the target and the source. Throws
// a `refused` Error where --size is less than the source.
std::uint64_t target_bytes_for(const PackArguments& arguments,
                               std::optional<std::uint64_t> device_bytes, const Source& source);

}  // namespace insitu::apps
