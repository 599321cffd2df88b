// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/device/device.hpp"

#include "device/device_core.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/journal/recovery.hpp"

namespace insitu {

namespace {

// Makes a pending intent true, in memory where the image is not to be written.
std::uint64_t settle_intents(Store& store, const DeviceOptions& options,
                             std::unique_ptr<OverlayStore>& overlay) {
    const StampCheck stamps =
        options.pending == PendingIntent::apply ? StampCheck::waived : StampCheck::required;
    std::uint64_t windows = 0;
    if (options.access == Access::read) {
        if (options.pending == PendingIntent::drop || !has_intent(store)) return 0;
        overlay = std::make_unique<OverlayStore>(store);
        return apply_intents(*overlay, stamps, most_bytes_in_memory).windows;
    }
    if (options.pending != PendingIntent::drop) windows = apply_intents(store, stamps).windows;
    clear_intents(store);
    return windows;
}

}  // namespace

Device::Device(Store& store, const DeviceOptions& options) {
    std::unique_ptr<OverlayStore> overlay;
    const SizeCheck check = options.access == Access::read ? options.size_check : SizeCheck::strict;
    // Nothing is written to what the driver would refuse.
    static_cast<void>(Image::open(store, check, PendingCheck::ignore));
    const std::uint64_t recovered = settle_intents(store, options, overlay);
    core_ = std::make_unique<Core>(store, options, std::move(overlay), recovered);
}

Device::~Device() = default;

const Geometry& Device::geometry() const noexcept {
    return core_->geometry();
}

void Device::read(std::uint64_t at_byte, ByteSpan output) {
    core_->check_range(at_byte, output.size());
    core_->bytes().read(at_byte, output);
}

void Device::write(std::uint64_t at_byte, ByteView input, Durability durability) {
    core_->check_range(at_byte, input.size());
    if (input.empty()) return;
    core_->bytes().write(at_byte, input.size(), input.data());
    core_->finish_request(durability);
}

void Device::zero(std::uint64_t at_byte, std::uint64_t length_bytes, Durability durability) {
    core_->check_range(at_byte, length_bytes);
    core_->bytes().write(at_byte, length_bytes, nullptr);
    core_->finish_request(durability);
}

void Device::unmap(std::uint64_t at_byte, std::uint64_t length_bytes, Durability durability) {
    core_->check_range(at_byte, length_bytes);
    const std::uint64_t first = ceil_div(at_byte, block_bytes) * block_bytes;
    const std::uint64_t end = (at_byte + length_bytes) / block_bytes * block_bytes;
    if (first < end) core_->write(first, end - first, nullptr);
    core_->finish_request(durability);
}

void Device::flush() {
    core_->commit_all();
}

std::vector<BlockRun> Device::map(std::uint64_t at_byte, std::uint64_t length_bytes) {
    core_->check_range(at_byte, length_bytes);
    return core_->map(at_byte, length_bytes);
}

void Device::start_commits() {
    core_->background().start();
}

void Device::do_idle_work() {
    if (!core_->is_read_only()) core_->background().do_idle_work();
}

void Device::close() {
    core_->close();
}

DeviceCounters Device::counters() const noexcept {
    return core_->counters();
}

DeviceStatus Device::status() const {
    return core_->status();
}

}  // namespace insitu
