// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/squashfs_codec.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <zlib.h>

#include <array>
#include <memory>

#include "insitu/error.hpp"
#include "mkfs/image_bytes.hpp"

namespace insitu::apps {

namespace {

constexpr int method_gzip = 1;
constexpr int method_lzma = 2;
constexpr int method_xz = 4;
constexpr int method_zstd = 6;

std::string inflate_block(const std::string& block, std::size_t limit_bytes) {
    std::string content(limit_bytes, '\0');
    uLongf size = content.size();
    if (::uncompress(reinterpret_cast<Bytef*>(content.data()), &size,
                     reinterpret_cast<const Bytef*>(block.data()), block.size()) != Z_OK) {
        bad_image("a block of squashfs does not inflate");
    }
    content.resize(size);
    return content;
}

struct FreeArchive {
    void operator()(struct archive* reader) const noexcept { ::archive_read_free(reader); }
};

// Blocks of xz, lzma and zstd are whole files of these.
std::string filter_block(int method, const std::string& block, std::size_t limit_bytes) {
    const std::unique_ptr<struct archive, FreeArchive> reader(::archive_read_new());
    ::archive_read_support_format_raw(reader.get());
    if (method == method_xz) ::archive_read_support_filter_xz(reader.get());
    if (method == method_lzma) ::archive_read_support_filter_lzma(reader.get());
    if (method == method_zstd) ::archive_read_support_filter_zstd(reader.get());
    struct archive_entry* member = nullptr;
    std::string content(limit_bytes, '\0');
    if (::archive_read_open_memory(reader.get(), block.data(), block.size()) != ARCHIVE_OK ||
        ::archive_read_next_header(reader.get(), &member) != ARCHIVE_OK) {
        bad_image("a block of squashfs does not decompress");
    }
    std::size_t done = 0;
    while (done < content.size()) {
        const la_ssize_t got =
            ::archive_read_data(reader.get(), content.data() + done, content.size() - done);
        if (got < 0) bad_image("a block of squashfs does not decompress");
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    content.resize(done);
    return content;
}

}  // namespace

std::string decompress_squashfs(int method, const std::string& block, std::size_t limit_bytes) {
    static constexpr std::array names{"0", "gzip", "lzma", "lzo", "xz", "lz4", "zstd"};
    if (method == method_gzip) return inflate_block(block, limit_bytes);
    if (method == method_xz || method == method_lzma || method == method_zstd) {
        return filter_block(method, block, limit_bytes);
    }
    const auto number = static_cast<std::size_t>(method);
    throw Error(ErrorKind::refused, {.file = "squashfs"},
                fmt::format("compression {} is not read here",
                            number < names.size() ? names.at(number) : "of an unknown kind"));
}

}  // namespace insitu::apps
