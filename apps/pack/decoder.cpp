// SPDX-License-Identifier: GPL-2.0-or-later
#include "pack/decoder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <utility>

#include "common/process.hpp"
#include "insitu/error.hpp"
#include "pack/decoded_size.hpp"
#include "pack/format_table.hpp"

namespace insitu::apps {

namespace {

struct Format {
    const char* name;
    const char* container;
    std::array<const char*, 3> command;  // reads standard input
    const char* package;
};
constexpr std::array formats{
    Format{"gz", "gzip", {"gzip", "-dc", nullptr}, "gzip"},
    Format{"xz", "xz", {"xz", "-dc", "--format=xz"}, "xz-utils"},
    Format{"zst", "zstd", {"zstd", "-dcq", nullptr}, "zstd"},
    Format{"bz2", "bzip2", {"bzip2", "-dc", nullptr}, "bzip2"},
};

const Format& format_of(const std::string& name) {
    return *std::find_if(formats.begin(), formats.end(),
                         [&](const Format& format) { return format.name == name; });
}

// The stream, and at its end the question whether it was all.
class DecodedSource final : public Source {
  public:
    DecodedSource(Decoder& decoder, std::unique_ptr<Source> stream,
                  std::optional<std::uint64_t> claimed_bytes, const StopFlag* stop)
        : decoder_(decoder),
          stream_(std::move(stream)),
          claimed_bytes_(claimed_bytes),
          stop_(stop) {}

    const std::string& name() const noexcept override { return stream_->name(); }
    std::optional<std::uint64_t> size_bytes() const override { return claimed_bytes_; }

    std::optional<WindowIndex> next_window() override {
        const auto window = stream_->next_window();
        if (!window || at_byte_ != claimed_bytes_) return window;
        // All is there: nothing may follow.
        SourceBatch extra;
        std::byte byte{};
        const WindowIndex no_limit{std::numeric_limits<std::uint64_t>::max() / window_bytes};
        if (stream_->take(extra, ByteSpan(&byte, 1), no_limit)) refuse_more();
        return std::nullopt;
    }

    bool take(SourceBatch& batch, ByteSpan buffer, WindowIndex limit) override {
        if (!stream_->take(batch, buffer, limit)) return false;
        at_byte_ = batch.first.value * window_bytes + batch.length_bytes;
        if (claimed_bytes_ && at_byte_ > *claimed_bytes_) refuse_more();
        return true;
    }

    void fill(const SourceBatch& batch, ByteSpan buffer) override { stream_->fill(batch, buffer); }

    void check_unchanged() const override {
        decoder_.require_success(stop_);
        if (claimed_bytes_) require_claimed(name(), *claimed_bytes_, at_byte_);
    }

  private:
    [[noreturn]] void refuse_more() const {
        throw Error(ErrorKind::refused, {.file = name(), .byte = *claimed_bytes_},
                    fmt::format("holds more than the {} bytes that it says", *claimed_bytes_));
    }

    Decoder& decoder_;
    std::unique_ptr<Source> stream_;
    std::optional<std::uint64_t> claimed_bytes_;
    const StopFlag* stop_;
    std::uint64_t at_byte_ = 0;
};

}  // namespace

const std::vector<std::string>& decoder_formats() {
    static const std::vector<std::string> names = names_of_formats(formats);
    return names;
}

std::optional<std::string> decoder_format_of(const std::string& container) {
    return format_of_container(formats, container);
}

Decoder::Decoder(const std::string& path, const std::string& format, int input)
    : path_(path), program_(format_of(format).command[0]), errors_(make_temporary_file()) {
    if (find_program(program_).empty()) {
        throw Error(ErrorKind::refused, {.file = path},
                    fmt::format("{}, which decodes it, is not installed", program_),
                    fmt::format("apt install {}", format_of(format).package));
    }
    Command command;
    command.standard_input = input;
    for (const char* const argument : format_of(format).command) {
        if (argument != nullptr) command.arguments.emplace_back(argument);
    }
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        throw io_error({.file = path}, "cannot make a pipe", errno);
    }
    output_ = UniqueFd(ends[0]);
    const UniqueFd writer(ends[1]);
    process_ = start_process(command, {writer.get(), ::fileno(errors_.get())});
}

Decoder::~Decoder() {
    output_ = UniqueFd();
    if (process_) stop_process(*process_);
}

std::string Decoder::said() const {
    constexpr std::size_t most_bytes = 4096;
    std::string text(most_bytes, '\0');
    const ssize_t got = ::pread(::fileno(errors_.get()), text.data(), text.size(), 0);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    text.erase(0, std::min(text.find_first_not_of(" \n"), text.size()));
    return text.substr(0, text.find('\n'));
}

void Decoder::require_success(const StopFlag* stop) {
    constexpr int signal_base = 128;
    if (!process_) return;
    const int status = wait_for(*std::exchange(process_, std::nullopt), stop);
    const std::string text = said();
    // bzip2 only mentions garbage after its stream.
    if (status == 0 && text.empty()) return;
    const std::string end =
        status > signal_base
            ? fmt::format("{} was ended by signal {}", program_, status - signal_base)
            : fmt::format("{} ended with status {}", program_, status);
    throw Error(ErrorKind::refused, {.file = path_},
                fmt::format("cannot be decoded: {}", text.empty() ? end : text));
}

std::optional<std::uint64_t> decoded_bytes(const Store& store, const std::string& format,
                                           const StopFlag* stop) {
    constexpr std::uint64_t most_bytes = std::numeric_limits<std::int64_t>::max();
    std::optional<std::uint64_t> claimed;
    if (format == "xz") claimed = xz_content_bytes(store.name(), stop);
    if (format == "zst") claimed = zstd_content_bytes(store, stop);
    return claimed && *claimed <= most_bytes ? claimed : std::nullopt;
}

std::unique_ptr<Source> make_decoded_source(Decoder& decoder, const std::string& name,
                                            std::optional<std::uint64_t> claimed_bytes,
                                            std::uint64_t limit_bytes, const StopFlag* stop,
                                            std::vector<std::byte> start) {
    // One byte more than it says, to notice that there is more.
    const std::uint64_t limit = claimed_bytes ? *claimed_bytes + 1 : limit_bytes;
    return std::make_unique<DecodedSource>(
        decoder, make_stream_source(decoder.output(), name, limit, stop, std::move(start)),
        claimed_bytes, stop);
}

void require_claimed(const std::string& name, std::uint64_t claimed_bytes, std::uint64_t bytes) {
    if (bytes == claimed_bytes) return;
    throw Error(ErrorKind::refused, {.file = name},
                fmt::format("holds {} bytes, it says that it has {}", bytes, claimed_bytes));
}

}  // namespace insitu::apps
