// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/device_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "insitu/check.hpp"
#include "insitu/format.hpp"
#include "insitu/internal/format/payload.hpp"
#include "insitu/internal/image/meta_cursor.hpp"
#include "insitu/internal/journal/recovery.hpp"
#include "insitu/internal/store/overlay_store.hpp"
#include "support/catch.hpp"
#include "support/image_builder.hpp"

namespace insitu::test {

std::unique_ptr<MemoryStore> format_in_memory(std::uint64_t data_blocks, Algorithm algorithm) {
    auto store = std::make_unique<MemoryStore>(smallest_device_blocks(data_blocks) * block_bytes);
    format_image(*store, algorithm, TargetContent::unknown);
    return store;
}

std::unique_ptr<MemoryStore> text_image(unsigned extent_blocks, unsigned text_windows) {
    Random random = make_random(8);
    PackOptions options;
    options.extents.blocks = extent_blocks;
    auto content = make_content(random, Content::text, text_windows * window_bytes);
    content.resize(1024 * block_bytes);
    return pack_in_memory(content, options);
}

std::vector<std::byte> text(std::uint64_t blocks) {
    Random random = make_random(9);
    return make_content(random, Content::text, blocks * block_bytes);
}

namespace {

class Findings final : public FindingSink {
  public:
    void found(const Finding& finding) override {
        // What was overwritten or trimmed is left in unmapped blocks.
        if (finding.id == FindingId::m07) return;
        text += fmt::format("{} at block {}: {}\n", kind_of(finding.id).name, finding.block.value,
                            finding.detail);
    }
    std::string text;
};

}  // namespace

std::string find_fault(const Store& store) {
    if (has_intent(store)) return "an intent is pending";
    Findings findings;
    check(store, {}, findings, {.threads = 1});
    if (!findings.text.empty()) return findings.text;
    const Image image = Image::open(store);
    MetaCursor cursor(image);
    for (WindowIndex window{0}; window.value < image.geometry().window_count();
         window = window + 1) {
        const WindowMap map = cursor.map(window);
        if (!map.sound()) return fmt::format("window {}: unsound map", window.value);
        for (const Extent extent : map.extents()) {
            if (extent.unmapped() || extent.raw()) continue;
            std::vector<std::byte> payload(extent.payload_sectors * sector_bytes);
            store.read_at(image.geometry().block_at_byte(first_block_of(window) + extent.first),
                          payload);
            const std::uint32_t length = unsafe_stream_length(payload);
            if (!stream_fits(length, extent.payload_sectors)) {
                return fmt::format("window {}: stream of {} bytes in {} sectors", window.value,
                                   length, extent.payload_sectors);
            }
        }
    }
    return {};
}

std::vector<std::byte> content_of(const Store& store) {
    OverlayStore overlay(store);
    if (has_intent(store)) {
        apply_intents(overlay);
        clear_intents(overlay);
    }
    return unpack_in_memory(overlay);
}

void random_request(Device& device, ByteSpan expected, RequestLimits limits, Random& random) {
    const std::uint64_t span = limits.end - limits.first;
    const std::uint64_t first = limits.first + below(random, span);
    const std::uint64_t most = std::min(limits.end - first, limits.longest);
    const std::uint64_t count =
        1 + below(random, below(random, 3) == 0 ? most : std::min<std::uint64_t>(most, 6));
    const std::uint64_t at = first * block_bytes;
    const ByteSpan wanted = expected.subspan(at, count * block_bytes);
    const auto durability =
        below(random, 40) == 0 ? Device::Durability::fua : Device::Durability::later;
    switch (below(random, 10)) {
        case 0:
        case 1:
        case 2: {
            std::vector<std::byte> got(wanted.size());
            device.read(at, got);
            if (std::memcmp(got.data(), wanted.data(), got.size()) != 0) {
                throw std::runtime_error(fmt::format("blocks {}+{} differ", first, count));
            }
            return;
        }
        case 3:
            device.unmap(at, wanted.size(), durability);
            std::fill(wanted.begin(), wanted.end(), std::byte{0});
            return;
        case 4:
            if (below(random, 10) == 0) return device.flush();
            if (below(random, 10) == 0) return device.do_idle_work();
            [[fallthrough]];
        default: {
            const auto kind = static_cast<Content>(below(random, 5));
            const auto content = make_content(random, kind, wanted.size());
            device.write(at, content, durability);
            std::copy(content.begin(), content.end(), wanted.begin());
        }
    }
}

}  // namespace insitu::test
