#include "insitu/device/device.hpp"

#include <fmt/format.h>

#include "device/device_core.hpp"
#include "insitu/device/recovery.hpp"
#include "insitu/error.hpp"

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

Device::Core::Core(Store& store, const DeviceOptions& options,
                   std::unique_ptr<OverlayStore> overlay, std::uint64_t recovered)
    : options_(options),
      overlay_(std::move(overlay)),
      store_(overlay_ ? overlay_.get() : &store),
      image_(Image::open(*store_)),
      geometry_(image_.geometry()),
      meta_(*store_, geometry_),
      space_(geometry_, options.cache_bytes,
             [this](WindowIndex window) { return free_sectors(window); }),
      content_(options.decode_cache_bytes),
      workspaces_({image_.algorithm(), options.level, DeflateWindow::kib2}) {
    counters_.recovered = recovered;
    if (options_.access == Access::read_write) space_.refill(RedoSpace::windows_at_open);
}

Device::Core::~Core() {
    stop_commits();
}

Place Device::Core::place_of(WindowIndex window, unsigned block) const {
    const BlockIndex index = first_block_of(window) + block;
    return {.file = store_->name(),
            .window = window,
            .block = index,
            .byte = geometry_.block_at_byte(index)};
}

void Device::Core::check_range(std::uint64_t at_byte, std::uint64_t length_bytes) const {
    const std::uint64_t size = geometry_.logical_bytes();
    if (at_byte % block_bytes != 0 || length_bytes % block_bytes != 0) {
        throw Error(ErrorKind::refused, {.file = store_->name()},
                    fmt::format("request of {} bytes at {} is not aligned to blocks of {}",
                                length_bytes, at_byte, block_bytes));
    }
    if (at_byte > size || length_bytes > size - at_byte) {
        throw Error(ErrorKind::refused, {.file = store_->name()},
                    fmt::format("request of {} bytes at {} reaches beyond the end at {}",
                                length_bytes, at_byte, size));
    }
}

DeviceCounters Device::Core::counters() const noexcept {
    DeviceCounters all;
    all.read_requests = counters_.reads;
    all.write_requests = counters_.writes;
    all.uncompressed_bytes = counters_.uncompressed;
    all.compressed_bytes = counters_.compressed;
    all.encoded_bytes = counters_.encoded;
    all.meta_bytes = counters_.meta;
    all.journal_bytes = counters_.journal;
    all.rewritten_extents = counters_.rewritten;
    all.commits = counters_.commits;
    all.unprotected_commits = counters_.unprotected;
    all.recovered_windows = counters_.recovered;
    all.compacted_windows = counters_.compacted;
    return all;
}

Device::Device(Store& store, const DeviceOptions& options) {
    std::unique_ptr<OverlayStore> overlay;
    Image::open(store);  // nothing is written to what the driver would refuse
    const std::uint64_t recovered = settle_intents(store, options, overlay);
    core_ = std::make_unique<Core>(store, options, std::move(overlay), recovered);
}

Device::~Device() = default;

const Geometry& Device::geometry() const noexcept {
    return core_->geometry();
}

void Device::read(std::uint64_t at_byte, ByteSpan output) {
    core_->read(at_byte, output);
}

void Device::write(std::uint64_t at_byte, ByteView input, Durability durability) {
    if (input.empty()) return;
    core_->write(at_byte, input.size(), input.data());
    core_->finish_request(durability);
}

void Device::unmap(std::uint64_t at_byte, std::uint64_t length_bytes, Durability durability) {
    core_->write(at_byte, length_bytes, nullptr);
    core_->finish_request(durability);
}

void Device::flush() {
    core_->commit_all();
}

std::vector<BlockRun> Device::map(std::uint64_t at_byte, std::uint64_t length_bytes) {
    return core_->map(at_byte, length_bytes);
}

void Device::start_commits() {
    core_->start_commits();
}

void Device::do_idle_work() {
    core_->do_idle_work();
}

void Device::close() {
    core_->close();
}

DeviceCounters Device::counters() const noexcept {
    return core_->counters();
}

}  // namespace insitu
