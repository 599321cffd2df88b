#include "common/manifest.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>

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

ManifestFile::ManifestFile(const std::string& path) : path_(path) {
    std::ifstream input(path, std::ios::binary);
    if (!input) throw io_error({.file = path}, "cannot open", errno != 0 ? errno : ENOENT);
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
    raw_sha256_ = head.raw_sha256;
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
