// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/tool.hpp"
#include "insitu/internal/ops/source.hpp"
#include "insitu/internal/store/unique_fd.hpp"
#include "pack/decoder.hpp"
#include "pack/virtual_disk.hpp"

namespace insitu::apps {

// The raw content that is to be packed, wherever it comes from, and what keeps it open.
struct PackInput {
    std::unique_ptr<VirtualDisk> disk;  // first: its server ends when the store is closed
    std::unique_ptr<Store> container;   // the file that holds the content in a form of its own
    UniqueFd stream;
    std::unique_ptr<Decoder> decoder;
    std::unique_ptr<Store> small_sectors;  // the disk before its table was rewritten
    std::unique_ptr<Store> store;          // the content, if it can be read at any position
    std::unique_ptr<Source> source;
};

// Whether a path is "-", a FIFO or another thing without a size.
bool is_stream(const std::string& path);

struct PackInputOptions {
    // The logical size of the image, if it is fixed before the source is read; otherwise a stream
    // is first stored, without a name, in `spool_directory`.
    std::optional<std::uint64_t> limit_bytes;
    std::string spool_directory;
    bool raw = false;            // packs what is no raw image as it is
    std::string from = {};       // a format of input_formats(), or auto: by its magic; empty: raw
    bool allow_empty = false;    // a stream that holds nothing is not refused
    bool large_sectors = false;  // a disk for sectors of 512 bytes becomes one for 4096
};

// What a source may be beside raw: virtual disks, compressed files, Android sparse images.
std::vector<std::string> input_formats();

// Opens a raw image, a device or a stream. Refuses containers and empty streams unless the options
// say otherwise, and notes content that the driver's device could not serve. Throws `io`, `refused`
// and `cancelled` Errors.
PackInput open_pack_input(const Tool& tool, const std::string& path,
                          const PackInputOptions& options);

}  // namespace insitu::apps
