// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/target.hpp"

#include <fmt/format.h>

#include "insitu/error.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/internal/image/unfinished.hpp"
#include "insitu/internal/store/nbd_store.hpp"
#include "insitu/open_store.hpp"

namespace insitu {

std::optional<std::string> find_content(const std::string& path, const Store& store) {
    if (store.size_bytes() >= block_bytes && read_super_block(store).magic == super_magic) {
        return "insitu";
    }
    if (unfinished_work(store)) return "insitu";
    return find_signature(path);
}

std::optional<std::uint64_t> Target::device_bytes(const std::string& path) {
    if (is_nbd_uri(path)) return open_nbd(path, Access::read)->size_bytes();
    if (node_kind(path) != NodeKind::block_device) return std::nullopt;
    return BlockDevice(path, Access::read, Sharing::shared).size_bytes();
}

unsigned Target::device_sector_bytes(const std::string& path) {
    if (is_nbd_uri(path)) {
        return static_cast<unsigned>(open_nbd(path, Access::read)->alignment_bytes());
    }
    return BlockDevice(path, Access::read, Sharing::shared).logical_sector_bytes();
}

namespace {

std::unique_ptr<BlockDevice> open_device(const std::string& path, TargetKind kind) {
    auto device = std::make_unique<BlockDevice>(path, Access::read_write, Sharing::exclusive);
    if (kind == TargetKind::raw || device->logical_sector_bytes() == sector_bytes) return device;
    throw Error(ErrorKind::refused, {.file = path},
                fmt::format("the device has sectors of {} bytes, the driver needs {}",
                            device->logical_sector_bytes(), sector_bytes),
                "an image file, or a loop device with 512-byte sectors over it, will do");
}

}  // namespace

Target::Target(const std::string& path, TargetKind kind, std::uint64_t file_bytes,
               Overwrite overwrite, OutputOptions output)
    : path_(path), kind_(kind) {
    switch (node_kind(path)) {
        case NodeKind::remote:
            device_ = open_nbd(path, Access::read_write);
            break;
        case NodeKind::block_device:
            device_ = open_device(path, kind);
            break;
        default:
            file_ = std::make_unique<OutputFile>(path, file_bytes, output);
            return;
    }
    const auto content = find_content(path, *device_);
    has_signature_ = content.has_value();
    if (content && overwrite == Overwrite::refuse) {
        throw Error(ErrorKind::refused, {.file = path},
                    fmt::format("the device holds data: {}", *content), "--force overwrites it");
    }
}

Target::Target(std::unique_ptr<FileStore> unnamed)
    : kind_(TargetKind::raw), unnamed_(std::move(unnamed)) {}

Target::Target(Target&& other) noexcept = default;
Target& Target::operator=(Target&& other) noexcept = default;
Target::~Target() = default;

Store& Target::store() noexcept {
    if (device_) return *device_;
    if (unnamed_) return *unnamed_;
    return file_->store();
}

TargetContent Target::content() const noexcept {
    return device_ ? TargetContent::unknown : TargetContent::zeros;
}

void Target::prepare() {
    if (has_signature_) wipe_signatures(path_);
    if (file_) file_->prepare();
}

void Target::commit() {
    if (device_) return device_->sync();
    if (file_) file_->commit();
}

std::string Target::unfinished_state() const {
    if (!device_ && (!file_ || !file_->is_in_place())) return {};
    return fmt::format("{}: {}", path_,
                       kind_ == TargetKind::image
                           ? "holds no image now, and what it held before may be lost"
                           : "is written in part, and what it held before is lost");
}

}  // namespace insitu
