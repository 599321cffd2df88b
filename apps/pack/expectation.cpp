// SPDX-License-Identifier: GPL-2.0-or-later
#include "pack/expectation.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "common/manifest.hpp"
#include "insitu/error.hpp"

namespace insitu::apps {

void Expectation::add_manifest(const std::string& path) {
    const ManifestFile manifest(path);
    const auto raw_bytes = manifest.raw_bytes();
    if (!raw_bytes) {
        throw Error(ErrorKind::refused, {.file = path}, "does not say what the source was",
                    "insitu-pack --manifest writes one that does");
    }
    if (size_bytes && *size_bytes != *raw_bytes) {
        throw Error(ErrorKind::refused, {.file = path},
                    fmt::format("is of {} bytes, --expect-size of {}", *raw_bytes, *size_bytes));
    }
    size_bytes = raw_bytes;
    if (sha256.empty()) sha256 = manifest.raw_sha256();
    tree_sha256 = manifest.tree_sha256();
}

ExpectedSource::ExpectedSource(Source& source, Expectation expected, ContentSink* next,
                               const StopFlag* stop)
    : source_(source), expected_(std::move(expected)), next_(next), stop_(stop) {
    if (const auto size = source_.size_bytes()) check_size(*size);
    if (!expected_.sha256.empty()) sha256_ = std::make_unique<Sha256>();
    if (!expected_.tree_sha256.empty()) tree_ = std::make_unique<ContentTree>();
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
    if (tree_) tree_->add(window.window, window.content.first(window.source_bytes));
    if (next_ != nullptr) next_->window(window);
}

void ExpectedSource::check_unchanged() const {
    source_.check_unchanged();
    const std::uint64_t size_bytes = source_.size_bytes().value_or(end_byte_);
    check_size(size_bytes);
    if (sha256_) {
        sha256_->add_zeros(size_bytes - hashed_bytes_, stop_);
        check_sum("SHA-256", sha256_->hex_digits(), expected_.sha256);
    }
    if (tree_) check_sum("tree hash", tree_->hex_digits(size_bytes), expected_.tree_sha256);
}

void ExpectedSource::check_sum(const char* sum_name, const std::string& found,
                               const std::string& wanted) const {
    if (CLI::detail::to_lower(wanted) == found) return;
    throw Error(ErrorKind::refused, {.file = name()},
                fmt::format("has the {} {}, {} was expected", sum_name, found, wanted));
}

}  // namespace insitu::apps
