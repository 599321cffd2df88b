// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "insitu/error.hpp"
#include "insitu/internal/engine/stop_check.hpp"
#include "insitu/internal/ops/source.hpp"
#include "insitu/internal/store/file_store.hpp"
#include "insitu/internal/store/unnamed_file.hpp"
#include "window/zero_blocks.hpp"

namespace insitu {

namespace {

// Reads until `output` is full or the stream ends; returns the bytes read.
std::size_t read_stream(int fd, const std::string& name, ByteSpan output, const StopFlag* stop) {
    constexpr int look_for_stop_ms = 100;
    std::size_t done = 0;
    while (done < output.size()) {
        throw_if_stopped(stop, name);
        pollfd waiting{fd, POLLIN, 0};
        // A signal ends it as well: reading would wait for input.
        if (::poll(&waiting, 1, look_for_stop_ms) <= 0) continue;
        const ssize_t got = ::read(fd, output.data() + done, output.size() - done);
        if (got == 0) break;
        if (got > 0) {
            done += static_cast<std::size_t>(got);
        } else if (errno != EINTR && errno != EAGAIN) {
            throw io_error({.file = name}, "cannot read", errno);
        }
    }
    return done;
}

class StreamSource final : public Source {
  public:
    StreamSource(int fd, std::string name, std::uint64_t limit_bytes, const StopFlag* stop,
                 std::vector<std::byte> start)
        : fd_(fd),
          name_(std::move(name)),
          limit_bytes_(limit_bytes),
          stop_(stop),
          start_(std::move(start)) {}

    const std::string& name() const noexcept override { return name_; }
    std::optional<std::uint64_t> size_bytes() const override { return std::nullopt; }

    std::optional<WindowIndex> next_window() override {
        if (!ended_ && at_byte_ == limit_bytes_) check_end();
        if (ended_) return std::nullopt;
        return WindowIndex{at_byte_ / window_bytes};
    }

    bool take(SourceBatch& batch, ByteSpan buffer, WindowIndex limit) override {
        const std::uint64_t end = std::min(limit.value * window_bytes, limit_bytes_);
        if (ended_ || at_byte_ >= end) return false;
        const std::uint64_t room = std::min(batch_bytes, end - at_byte_);
        const std::size_t length = read_next(buffer.first(room));
        batch = {WindowIndex{at_byte_ / window_bytes}, length, 0};
        ended_ = length < room;
        at_byte_ += length;
        return length > 0;
    }

    void fill(const SourceBatch&, ByteSpan) override {}

  private:
    // What is left of the start, then what follows in the stream.
    std::size_t read_next(ByteSpan output) {
        const std::size_t from_start = std::min(output.size(), start_.size() - start_taken_);
        std::copy_n(start_.begin() + static_cast<std::ptrdiff_t>(start_taken_), from_start,
                    output.begin());
        start_taken_ += from_start;
        return from_start + read_stream(fd_, name_, output.subspan(from_start), stop_);
    }

    // At the limit one more read tells whether the stream really ends there.
    void check_end() {
        std::byte extra{};
        if (read_next(ByteSpan(&extra, 1)) > 0) {
            throw Error(
                ErrorKind::refused, {.file = name_, .byte = limit_bytes_},
                fmt::format("the stream continues after the {} bytes of the target", limit_bytes_),
                "give a larger --size, or a larger device");
        }
        ended_ = true;
    }

    int fd_;
    std::string name_;
    std::uint64_t limit_bytes_;
    const StopFlag* stop_;
    std::vector<std::byte> start_;
    std::size_t start_taken_ = 0;
    std::uint64_t at_byte_ = 0;
    bool ended_ = false;
};

// The store has the name of the stream, but it is the directory that is full.
void store_part(Store& spool, const std::string& directory, std::uint64_t at_byte, ByteView bytes) {
    try {
        spool.write_at(at_byte, bytes);
    } catch (const Error& error) {
        throw io_error({.file = directory},
                       fmt::format("cannot store byte {} of {}", at_byte, spool.name()),
                       error.os_error());
    }
}

}  // namespace

std::unique_ptr<Source> make_stream_source(int fd, std::string name, std::uint64_t limit_bytes,
                                           const StopFlag* stop, std::vector<std::byte> start) {
    return std::make_unique<StreamSource>(fd, std::move(name), limit_bytes, stop, std::move(start));
}

std::vector<std::byte> read_stream_start(int fd, const std::string& name, std::size_t most_bytes,
                                         const StopFlag* stop) {
    std::vector<std::byte> start(most_bytes);
    start.resize(read_stream(fd, name, start, stop));
    return start;
}

std::unique_ptr<Store> spool_stream(int fd, const std::string& name, const std::string& directory,
                                    const StopFlag* stop, const std::vector<std::byte>& start) {
    auto spool = std::make_unique<FileStore>(make_unnamed_file(directory), name);
    AlignedBuffer buffer(batch_bytes);
    std::uint64_t at_byte = start.size();
    if (!start.empty()) store_part(*spool, directory, 0, start);
    for (;;) {
        const std::size_t length = read_stream(fd, name, buffer.span(), stop);
        for (std::size_t at = 0; at < length; at += window_bytes) {
            const ByteView window =
                buffer.view().subspan(at, std::min<std::size_t>(window_bytes, length - at));
            if (!is_zero(window)) store_part(*spool, directory, at_byte + at, window);
        }
        at_byte += length;
        if (length < buffer.size()) break;
    }
    spool->resize(at_byte);
    return spool;
}

}  // namespace insitu
