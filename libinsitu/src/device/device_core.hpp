// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <vector>

#include "device/background.hpp"
#include "device/byte_access.hpp"
#include "device/committer.hpp"
#include "device/intake.hpp"
#include "device/staging.hpp"
#include "insitu/internal/store/overlay_store.hpp"

namespace insitu {

// The inside of a Device: its parts, and what a request does with them.
class Device::Core {
  public:
    Core(Store& store, const DeviceOptions& options, std::unique_ptr<OverlayStore> overlay,
         std::uint64_t recovered);

    const Geometry& geometry() const noexcept { return medium_.geometry(); }
    void read(std::uint64_t at_byte, ByteSpan output);
    // No `content`: unmap.
    void write(std::uint64_t at_byte, std::uint64_t length_bytes, const std::byte* content);
    std::vector<BlockRun> map(std::uint64_t at_byte, std::uint64_t length_bytes);
    void commit_all() { committer_.commit_all(); }
    void finish_request(Durability durability);
    // Throws a `refused` Error for a request beyond the end.
    void check_range(std::uint64_t at_byte, std::uint64_t length_bytes) const;
    void close();
    Background& background() noexcept { return background_; }
    ByteAccess& bytes() noexcept { return bytes_; }
    bool is_read_only() const noexcept { return options_.access == Access::read; }
    DeviceCounters counters() const noexcept { return counters_.get(); }
    DeviceStatus status() const;

  private:
    DeviceOptions options_;
    std::unique_ptr<OverlayStore> overlay_;  // if a read-only image has an intent
    AtomicCounters counters_;
    Medium medium_;
    RedoSpace space_;
    Staging staging_;
    Committer committer_;
    Background background_;
    Intake intake_;
    ByteAccess bytes_;
};

}  // namespace insitu
