// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "insitu/internal/engine/control.hpp"

struct archive;

namespace insitu::apps {

constexpr const char* tar_place = "standard input";

// The bytes of a stream that may be compressed by gzip, bzip2, xz, lzma, lz4 or zstd. Not
// thread-safe.
class TarStream {
  public:
    // Neither takes the descriptor nor closes it. Throws `io` Errors.
    TarStream(int fd, const StopFlag* stop);

    // What is there, at most `limit` bytes; empty at the end. It is valid until the next call.
    // Throws a `refused` Error for a compressed stream that is broken, `io` and `cancelled` ones.
    std::string_view read_some(std::size_t limit);
    // Exactly so many bytes. Fewer are a `refused` Error.
    std::string read(std::size_t count);
    void skip(std::uint64_t count);
    // Reads on to the end, where compressed streams have their checksums.
    void drain();

  private:
    struct Free {
        void operator()(struct archive* reader) const noexcept;
    };
    static ssize_t read_more(struct archive* reader, void* self, const void** block);
    [[noreturn]] void fail() const;

    int fd_;
    const StopFlag* stop_;
    std::unique_ptr<struct archive, Free> reader_;
    std::array<char, std::size_t{1} << 17> input_{};
    std::array<char, std::size_t{1} << 17> output_{};
    std::string_view rest_;
    bool at_end_ = false;
};

}  // namespace insitu::apps
