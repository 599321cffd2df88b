// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/manifest_writer.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "common/manifest.hpp"
#include "insitu/error.hpp"

namespace insitu::apps {

namespace {

namespace fs = std::filesystem;

// Hashing them takes about two seconds.
constexpr std::uint64_t most_raw_zeros = std::uint64_t{4} << 30;

}  // namespace

ManifestWriter::ManifestWriter(const std::string& path, RawSum raw_sum, const StopFlag* stop)
    : path_(path), file_(path, 0), raw_sum_(raw_sum), stop_(stop), sha256_(std::in_place) {
    put("{\n\"schema\": \"insitu-manifest/2\",\n\"extents\": [");
}

ManifestWriter::~ManifestWriter() {
    std::error_code ignored;
    if (aside_.empty() && published_) fs::remove(path_, ignored);
    if (aside_.empty()) return;
    fs::rename(aside_, path_, ignored);
    fs::remove(aside_, ignored);  // still there if both are names of one file
}

void ManifestWriter::keep() noexcept {
    std::error_code ignored;
    if (!aside_.empty()) fs::remove(aside_, ignored);
    aside_.clear();
    published_ = false;
}

// The raw sum ends where more zeros than are worth their time were met, however they are split.
void ManifestWriter::add_raw_zeros(std::uint64_t until_byte) {
    const std::uint64_t count = until_byte - hashed_bytes_;
    skipped_bytes_ += count;
    if (raw_sum_ == RawSum::automatic && skipped_bytes_ > most_raw_zeros) sha256_.reset();
    if (sha256_) sha256_->add_zeros(count, stop_);
}

// A second name for the old manifest, or another one where a file cannot have two.
void ManifestWriter::set_aside() {
    if (!fs::exists(path_)) return;
    const fs::path real = fs::canonical(path_);
    const std::string name = fmt::format(".{}.before-{}", real.filename().string(), ::getpid());
    const fs::path aside = real.parent_path() / name;
    path_ = real.string();
    if (::link(path_.c_str(), aside.c_str()) != 0 && ::rename(path_.c_str(), aside.c_str()) != 0) {
        throw io_error({.file = path_}, "cannot replace", errno);
    }
    aside_ = aside.string();
}

void ManifestWriter::window(const ContentWindow& window) {
    const std::uint64_t start = window.window.value * window_bytes;
    add_raw_zeros(start);
    if (sha256_) sha256_->add(window.content.first(window.source_bytes));
    tree_.add(window.window, window.content.first(window.source_bytes));
    map_sum_.add(window.window, *window.map);
    hashed_bytes_ = start + window.source_bytes;
    for (const Extent extent : window.map->extents()) {
        if (extent.unmapped()) continue;
        const ManifestExtent row = hash_extent(
            first_block_of(window.window) + extent.first,
            window.content.subspan(extent.first * block_bytes, extent.blocks * block_bytes));
        put(fmt::format("{}{{\"first_block\": {}, \"blocks\": {}, \"xxh3_128\": \"{}\"}}",
                        first_ ? "\n" : ",\n", row.first.value, row.blocks, hash_text(row)));
        first_ = false;
    }
}

void ManifestWriter::put(const std::string& text) {
    constexpr std::size_t flush_bytes = std::size_t{1} << 20;
    pending_ += text;
    if (pending_.size() >= flush_bytes) flush();
}

void ManifestWriter::flush() {
    file_.store().write_at(written_bytes_, std::as_bytes(std::span(pending_)));
    written_bytes_ += pending_.size();
    pending_.clear();
}

void ManifestWriter::publish(const Geometry& geometry, Algorithm algorithm, std::uint64_t raw_bytes,
                             const Uuid& uuid) {
    add_raw_zeros(raw_bytes);
    put(fmt::format(
        "\n],\n\"algorithm\": \"{}\",\n\"device_bytes\": {},\n"
        "\"logical_bytes\": {},\n\"raw_bytes\": {},\n",
        to_string(algorithm), geometry.device_bytes(), geometry.logical_bytes(), raw_bytes));
    put(fmt::format("\"map_sha256\": \"{}\",\n", map_sum_.hex_digits()));
    if (sha256_) put(fmt::format("\"raw_sha256\": \"{}\",\n", sha256_->hex_digits()));
    put(fmt::format("\"tree_sha256\": \"{}\",\n\"uuid\": \"{}\"\n}}\n", tree_.hex_digits(raw_bytes),
                    to_string(uuid)));
    flush();
    file_.store().sync();
    set_aside();
    file_.commit();
    published_ = true;
}

}  // namespace insitu::apps
