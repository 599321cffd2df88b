// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/manifest.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <istream>
#include <streambuf>
#include <vector>

#include "common/manifest_parser.hpp"
#include "common/temporary_file.hpp"
#include "insitu/error.hpp"

namespace insitu::apps {

ManifestExtent hash_extent(BlockIndex first, ByteView content) noexcept {
    return {first, content.size() / block_bytes, content_hash(content)};
}

std::string hash_text(const ManifestExtent& extent) {
    return to_string(extent.hash);
}

namespace {

// The bytes of a file for a parser that keeps each string and number as a whole: refuses those that
// no manifest has.
class BoundedInput final : public std::streambuf {
  public:
    explicit BoundedInput(const std::string& path)
        : path_(path), file_(std::fopen(path.c_str(), "rbe")), piece_(piece_bytes) {
        if (!file_) throw io_error({.file = path}, "cannot open", errno);
    }

  protected:
    int_type underflow() override {
        const std::size_t got = std::fread(piece_.data(), 1, piece_.size(), file_.get());
        if (got == 0 && std::ferror(file_.get()) != 0) {
            throw io_error({.file = path_}, "cannot read", errno);
        }
        if (got == 0) return traits_type::eof();
        for (std::size_t i = 0; i < got; ++i)
            pass(piece_[i]);
        setg(piece_.data(), piece_.data(), piece_.data() + got);
        return traits_type::to_int_type(piece_[0]);
    }

  private:
    static constexpr std::size_t piece_bytes = 65536;
    static constexpr std::size_t longest_token_bytes = 65536;

    void pass(char byte) {
        const bool between = !in_string_ && std::strchr(" \t\r\n,:[]{}", byte) != nullptr;
        if (between) {
            length_ = 0;
            return;
        }
        if (in_string_ && after_backslash_) {
            after_backslash_ = false;
        } else if (in_string_ && byte == '\\') {
            after_backslash_ = true;
        } else if (byte == '"') {
            in_string_ = !in_string_;
        }
        if (++length_ <= longest_token_bytes) return;
        throw Error(ErrorKind::refused, {.file = path_},
                    fmt::format("holds a text of more than {} bytes: it is not a manifest",
                                longest_token_bytes));
    }

    std::string path_;
    File file_;
    std::vector<char> piece_;
    bool in_string_ = false;
    bool after_backslash_ = false;
    std::size_t length_ = 0;
};

}  // namespace

ManifestFile::ManifestFile(const std::string& path) : path_(path) {
    BoundedInput bounded(path);
    std::istream input(&bounded);
    const File spool = make_temporary_file();
    std::size_t count = 0;
    ManifestParser parser(path, [&](const ManifestExtent& extent) {
        if (std::fwrite(&extent, sizeof extent, 1, spool.get()) != 1) {
            throw io_error({.file = path}, "cannot write to a temporary file", errno);
        }
        ++count;
    });
    nlohmann::json::sax_parse(input, &parser);
    const ManifestParser::Head head = parser.finish();
    logical_bytes_ = *head.logical_bytes;
    raw_bytes_ = head.raw_bytes;
    device_bytes_ = head.device_bytes;
    raw_sha256_ = head.raw_sha256;
    tree_sha256_ = head.tree_sha256;
    map_sha256_ = head.map_sha256;
    uuid_ = head.uuid;
    complete_ = head.complete;
    if (count == 0) return;
    if (std::fflush(spool.get()) != 0) {
        throw io_error({.file = path}, "cannot write to a temporary file", errno);
    }
    mapping_ = ::mmap(nullptr, count * sizeof(ManifestExtent), PROT_READ, MAP_PRIVATE,
                      ::fileno(spool.get()), 0);
    if (mapping_ == MAP_FAILED) {
        mapping_ = nullptr;
        throw io_error({.file = path}, "cannot map a temporary file", errno);
    }
    extents_ = {static_cast<const ManifestExtent*>(mapping_), count};
}

ManifestFile::~ManifestFile() {
    if (mapping_ != nullptr) ::munmap(mapping_, extents_.size_bytes());
}

std::uint64_t ManifestFile::unknown_blocks() const noexcept {
    if (complete_) return 0;
    std::uint64_t blocks = logical_bytes_ / block_bytes;
    for (const ManifestExtent& extent : extents_)
        blocks -= extent.blocks;
    return blocks;
}

Manifest ManifestFile::contents() const {
    return {extents_, logical_bytes_,
            complete_ ? Manifest::Others::zeros : Manifest::Others::unknown, path_};
}

std::size_t ManifestFile::find(BlockIndex block) const noexcept {
    const auto found = std::upper_bound(extents_.begin(), extents_.end(), block.value,
                                        [](std::uint64_t wanted, const ManifestExtent& extent) {
                                            return wanted < extent.end().value;
                                        });
    return static_cast<std::size_t>(found - extents_.begin());
}

}  // namespace insitu::apps
