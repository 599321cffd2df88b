#include "pack/expectation.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "insitu/error.hpp"

namespace insitu::apps {

ExpectedSource::ExpectedSource(Source& source, Expectation expected, ContentSink* next,
                               const StopFlag* stop)
    : source_(source), expected_(std::move(expected)), next_(next), stop_(stop) {
    if (const auto size = source_.size_bytes()) check_size(*size);
    if (!expected_.sha256.empty()) sha256_ = std::make_unique<Sha256>();
}

void ExpectedSource::check_size(std::uint64_t size_bytes) const {
    if (!expected_.size_bytes || *expected_.size_bytes == size_bytes) return;
    throw Error(ErrorKind::refused, {.file = name()},
                fmt::format("has {} bytes, {} were expected", size_bytes, *expected_.size_bytes),
                source_.size_bytes() ? "" : "was the program that wrote the stream stopped?");
}

bool ExpectedSource::take(SourceBatch& batch, ByteSpan buffer, WindowIndex limit) {
    if (!source_.take(batch, buffer, limit)) return false;
    end_byte_ = batch.first.value * window_bytes + batch.length_bytes;
    return true;
}

void ExpectedSource::window(const ContentWindow& window) {
    if (sha256_) {
        const std::uint64_t start = window.window.value * window_bytes;
        sha256_->add_zeros(start - hashed_bytes_, stop_);
        sha256_->add(window.content.first(window.source_bytes));
        hashed_bytes_ = start + window.source_bytes;
    }
    if (next_ != nullptr) next_->window(window);
}

void ExpectedSource::check_unchanged() const {
    source_.check_unchanged();
    const std::uint64_t size_bytes = source_.size_bytes().value_or(end_byte_);
    check_size(size_bytes);
    if (!sha256_) return;
    sha256_->add_zeros(size_bytes - hashed_bytes_, stop_);
    const std::string found = sha256_->hex_digits();
    if (CLI::detail::to_lower(expected_.sha256) == found) return;
    throw Error(ErrorKind::refused, {.file = name()},
                fmt::format("has the SHA-256 {}, {} was expected", found, expected_.sha256));
}

}  // namespace insitu::apps
