#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/tool.hpp"
#include "insitu/ops/source.hpp"
#include "insitu/store/unique_fd.hpp"

namespace insitu::apps {

// The raw content that is to be packed, wherever it comes from, and what keeps it open.
struct PackInput {
    UniqueFd stream;
    std::unique_ptr<Store> store;
    std::unique_ptr<Source> source;
};

// Whether a path is "-", a FIFO or another thing without a size.
bool is_stream(const std::string& path);

// Opens a raw image, a device or a stream. `limit_bytes` is the logical size of the image, where it
// is fixed before the source is read; else a stream is first stored, without a name, in
// `spool_directory`. Throws `io`, `refused` and `cancelled` Errors.
PackInput open_pack_input(const Tool& tool, const std::string& path,
                          std::optional<std::uint64_t> limit_bytes,
                          const std::string& spool_directory);

}  // namespace insitu::apps
