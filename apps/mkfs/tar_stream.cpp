// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/tar_stream.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "insitu/error.hpp"
#include "insitu/internal/engine/stop_check.hpp"

namespace insitu::apps {

void TarStream::Free::operator()(struct archive* reader) const noexcept {
    ::archive_read_free(reader);
}

TarStream::TarStream(int fd, const StopFlag* stop)
    : fd_(fd), stop_(stop), reader_(::archive_read_new()) {
    struct archive* const reader = reader_.get();
    if (reader == nullptr) throw io_error({.file = tar_place}, "cannot read", ENOMEM);
    // libarchive undoes the compression only: of the names in a tar it changes what is no plain
    // text of the locale, and of times before 1970 the fractions.
    ::archive_read_support_format_raw(reader);
    ::archive_read_support_format_empty(reader);
    ::archive_read_support_filter_gzip(reader);
    ::archive_read_support_filter_bzip2(reader);
    ::archive_read_support_filter_xz(reader);
    ::archive_read_support_filter_lzma(reader);
    ::archive_read_support_filter_lz4(reader);
    ::archive_read_support_filter_zstd(reader);
    if (::archive_read_open(reader, this, nullptr, &TarStream::read_more, nullptr) != ARCHIVE_OK) {
        fail();
    }
    struct archive_entry* member = nullptr;
    const int status = ::archive_read_next_header(reader, &member);
    if (status == ARCHIVE_EOF) at_end_ = true;
    if (status != ARCHIVE_OK && status != ARCHIVE_EOF) fail();
}

// A failing read is heard, and a stop ends the wait for a pipe.
ssize_t TarStream::read_more(struct archive* reader, void* self, const void** block) {
    auto& stream = *static_cast<TarStream*>(self);
    const ssize_t got = ::read(stream.fd_, stream.input_.data(), stream.input_.size());
    if (got < 0) ::archive_set_error(reader, errno, "cannot read the tar");
    *block = stream.input_.data();
    return got;
}

void TarStream::fail() const {
    throw_if_stopped(stop_);
    const char* const said = ::archive_error_string(reader_.get());
    throw Error(ErrorKind::refused, {.file = tar_place},
                fmt::format("cannot be read: {}", said == nullptr ? "no reason" : said),
                "a whole tar is expected, plain or by gzip, bzip2, xz, lz4 or zstd");
}

std::string_view TarStream::read_some(std::size_t limit) {
    if (is_stopped(stop_)) fail();
    if (rest_.empty() && !at_end_) {
        const la_ssize_t got = ::archive_read_data(reader_.get(), output_.data(), output_.size());
        if (got < 0) fail();
        at_end_ = got == 0;
        rest_ = {output_.data(), static_cast<std::size_t>(got)};
    }
    const std::string_view taken = rest_.substr(0, limit);
    rest_.remove_prefix(taken.size());
    return taken;
}

std::string TarStream::read(std::size_t count) {
    std::string bytes;
    while (bytes.size() < count) {
        const std::string_view now = read_some(count - bytes.size());
        if (now.empty()) {
            throw Error(ErrorKind::refused, {.file = tar_place},
                        "holds no tar, or one that is cut off: it ends in the middle",
                        "run what writes it with 'set -o pipefail'");
        }
        bytes += now;
    }
    return bytes;
}

void TarStream::skip(std::uint64_t count) {
    constexpr std::uint64_t piece = 1U << 17;
    for (; count != 0; count -= std::min(count, piece))
        read(std::min(count, piece));
}

void TarStream::drain() {
    while (!read_some(output_.size()).empty()) {
    }
}

}  // namespace insitu::apps
