// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/temporary_file.hpp"
#include "common/tool.hpp"
#include "insitu/internal/ops/source.hpp"
#include "insitu/internal/store/unique_fd.hpp"

namespace insitu::apps {

// What --from calls the formats that a Decoder reads: "gz", "xz".
const std::vector<std::string>& decoder_formats();
// That of a container with this name ("gzip"); none: no decoder reads it.
std::optional<std::string> decoder_format_of(const std::string& container);

// A compressed file or stream, decoded by the program of its format, which runs as long as this
// lives.
class Decoder {
  public:
    // `input` is read by the program, from where it is; `path` is what messages name. Throws a
    // `refused` Error if the program is not installed, `io` ones.
    Decoder(const std::string& path, const std::string& format, int input);
    ~Decoder();
    Decoder(const Decoder&) = delete;
    Decoder& operator=(const Decoder&) = delete;

    int output() const noexcept { return output_.get(); }

    // To be called when the output has ended: whether that was all of it. Throws a `refused` Error
    // if the program failed or complained, a `cancelled` one.
    void require_success(const StopFlag* stop);

  private:
    std::string said() const;

    std::string path_;
    std::string program_;
    File errors_;
    UniqueFd output_;
    std::optional<pid_t> process_;  // while it has not been waited for
};

// How many bytes a file says that it holds, if its format tells that truly: xz and zst can. gz
// tells it modulo 4 GiB, and of its last member only.
std::optional<std::uint64_t> decoded_bytes(const Store& store, const std::string& format,
                                           const StopFlag* stop);

// The stream that a decoder makes. It is whole only if the decoder says so and, if `claimed_bytes`
// are known, it has as many: otherwise a `refused` Error tells what is wrong, before the image gets
// its super block. `limit_bytes` are for a stream of unknown length. The decoder outlives it.
std::unique_ptr<Source> make_decoded_source(Decoder& decoder, const std::string& name,
                                            std::optional<std::uint64_t> claimed_bytes,
                                            std::uint64_t limit_bytes, const StopFlag* stop,
                                            std::vector<std::byte> start);

// The size of what was decoded is not what the container says. Throws a `refused` Error.
void require_claimed(const std::string& name, std::uint64_t claimed_bytes, std::uint64_t bytes);

}  // namespace insitu::apps
