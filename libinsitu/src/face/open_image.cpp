// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/open_image.hpp"

#include <fmt/format.h>

#include "face/settled_store.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/image/create.hpp"

namespace insitu {

struct OpenedImage::State {
    std::string path;
    SettledStore settled;
    Image image;
    std::optional<Identity> identity;
    Access access;
    std::unique_ptr<Device> device;  // none after close()
};

namespace {

DeviceOptions device_options(const OpenOptions& options) {
    DeviceOptions result;
    result.access = options.access;
    result.level = options.level;
    result.policy = options.policy;
    result.unprotected = options.unprotected;
    result.cache_bytes = options.cache_bytes;
    result.decode_cache_bytes = options.decode_cache_bytes;
    if (options.pending == PendingPolicy::ignore) result.pending = PendingIntent::drop;
    result.size_check = options.size_check;
    if (options.warn) {
        result.warn = [warn = options.warn](DeviceWarning, const std::string& text) { warn(text); };
    }
    return result;
}

}  // namespace

OpenedImage::OpenedImage(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
OpenedImage::OpenedImage(OpenedImage&& other) noexcept = default;
OpenedImage& OpenedImage::operator=(OpenedImage&& other) noexcept {
    if (this == &other) return *this;
    close_quietly();
    state_ = std::move(other.state_);
    return *this;
}
OpenedImage::~OpenedImage() {
    close_quietly();
}

void OpenedImage::close_quietly() noexcept {
    if (!state_) return;
    try {
        close();
    } catch (...) {
        // Who wants to hear of it calls close().
    }
}

Device& OpenedImage::device() const {
    if (state_->device) return *state_->device;
    throw Error(ErrorKind::refused, {.file = state_->path}, "is closed");
}

const Geometry& OpenedImage::geometry() const noexcept {
    return state_->image.geometry();
}

Algorithm OpenedImage::algorithm() const noexcept {
    return state_->image.algorithm();
}

const std::optional<Identity>& OpenedImage::identity() const noexcept {
    return state_->identity;
}

std::uint64_t OpenedImage::recovered_windows() const noexcept {
    return state_->settled.recovered_windows;
}

void OpenedImage::read(std::uint64_t at_byte, ByteSpan output) const {
    device().read(at_byte, output);
}

std::vector<std::byte> OpenedImage::read(std::uint64_t at_byte, std::size_t length_bytes) const {
    const std::uint64_t size = size_bytes();
    // Before the memory is asked for.
    if (at_byte > size || length_bytes > size - at_byte) {
        throw Error(ErrorKind::refused, {.file = state_->path},
                    fmt::format("request of {} bytes at {} reaches beyond the end at {}",
                                length_bytes, at_byte, size));
    }
    std::vector<std::byte> output(length_bytes);
    device().read(at_byte, output);
    return output;
}

void OpenedImage::write(std::uint64_t at_byte, ByteView input, Device::Durability durability) {
    device().write(at_byte, input, durability);
}

void OpenedImage::zero(std::uint64_t at_byte, std::uint64_t length_bytes,
                       Device::Durability durability) {
    device().zero(at_byte, length_bytes, durability);
}

void OpenedImage::unmap(std::uint64_t at_byte, std::uint64_t length_bytes,
                        Device::Durability durability) {
    device().unmap(at_byte, length_bytes, durability);
}

void OpenedImage::flush() {
    device().flush();
}

void OpenedImage::start_commits() {
    device().start_commits();
}

std::vector<BlockRun> OpenedImage::map(std::uint64_t at_byte, std::uint64_t length_bytes) const {
    return device().map(at_byte, length_bytes);
}

void OpenedImage::for_each_extent(const std::function<bool(const StoredExtent&)>& visit) const {
    MetaCursor cursor(image());
    const WindowIndex end{geometry().window_count()};
    for (WindowIndex window = cursor.next_mapped({0}); window < end;
         window = cursor.next_mapped(window + 1)) {
        for (const StoredExtent& extent : cursor.extents_touching(window)) {
            const bool starts_here = window_of(extent.first) == window;
            if (!starts_here || extent.unmapped()) continue;
            if (!visit(extent)) return;
        }
    }
}

const Image& OpenedImage::image() const& {
    static_cast<void>(device());
    if (state_->access == Access::read) return state_->image;
    throw Error(ErrorKind::refused, {.file = state_->path},
                "is open for writing: what is on the medium is not all that was written",
                "open it for reading");
}

void OpenedImage::close() {
    if (!state_->device) return;
    const auto release = [&] {
        state_->device.reset();
        state_->settled.overlay.reset();
        state_->settled.opened.reset();
    };
    try {
        state_->device->close();
    } catch (...) {
        release();
        throw;
    }
    // Others may open it again.
    release();
}

OpenedImage open_image(const std::string& path, const OpenOptions& options) {
    if (options.access == Access::read_write && options.size_check == SizeCheck::trust_super) {
        throw Error(ErrorKind::refused, {.file = path},
                    "an image of another size than its super block says is only read");
    }
    // A device that is to be written applies what is pending by itself, and what it would refuse
    // stays as it is.
    const bool by_device =
        options.access == Access::read_write && options.pending != PendingPolicy::refuse;
    SettledStore settled = open_settled(path, options.access, options.sharing,
                                        by_device ? PendingPolicy::ignore : options.pending);
    const Image image = Image::open(settled.store(), options.size_check, PendingCheck::ignore);
    auto device = std::make_unique<Device>(settled.store(), device_options(options));
    auto identity = read_identity(settled.store());
    settled.recovered_windows += device->counters().recovered_windows;
    return OpenedImage(std::make_unique<OpenedImage::State>(OpenedImage::State{
        path, std::move(settled), image, std::move(identity), options.access, std::move(device)}));
}

}  // namespace insitu
