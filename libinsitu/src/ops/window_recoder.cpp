// SPDX-License-Identifier: GPL-2.0-or-later
#include "ops/window_recoder.hpp"

#include <cstring>

namespace insitu {

// Takes what is written into the space of one window of an image.
class WindowRecoder::WindowMemory final : public Store {
  public:
    explicit WindowMemory(const Image& image)
        : Store(image.store().name()), geometry_(image.geometry()) {}

    void begin(WindowIndex window) noexcept {
        start_byte_ = geometry_.block_at_byte(first_block_of(window));
    }
    ByteView view() const noexcept { return buffer_.view(); }

    std::uint64_t size_bytes() const override { return geometry_.device_bytes(); }
    void read_at(std::uint64_t at_byte, ByteSpan output) const override {
        std::memcpy(output.data(), buffer_.data() + (at_byte - start_byte_), output.size());
    }
    void write_at(std::uint64_t at_byte, ByteView input) override {
        std::memcpy(buffer_.data() + (at_byte - start_byte_), input.data(), input.size());
    }
    void zero(std::uint64_t at_byte, std::uint64_t length_bytes) override {
        std::memset(buffer_.data() + (at_byte - start_byte_), 0, length_bytes);
    }
    void sync() override {}

  private:
    Geometry geometry_;
    std::uint64_t start_byte_ = 0;
    AlignedBuffer buffer_{window_bytes};
};

namespace {

PackOptions pack_options(const RecodeOptions& options) {
    PackOptions result;
    result.codec = options.codec;
    result.extents = options.extents;
    result.seals = options.seals;
    return result;
}

}  // namespace

WindowRecoder::WindowRecoder(const Image& image, const RecodeOptions& options)
    : image_(image),
      worth_percent_(options.worth_percent),
      reader_(image),
      memory_(std::make_unique<WindowMemory>(image)),
      writer_(pack_options(options), image.geometry(), *memory_) {}

WindowRecoder::~WindowRecoder() = default;

std::optional<WindowMap> WindowRecoder::recode(WindowIndex window, std::uint64_t old_sectors,
                                               ExtentTotals& totals) {
    constexpr std::uint64_t whole_percent = 100;
    const ByteSpan content =
        content_.first(image_.geometry().blocks_in_window(window) * block_bytes);
    reader_.read(window, content, nullptr);
    memory_->begin(window);
    ExtentTotals recoded;
    const WindowMap map = writer_.write(window, content, recoded);
    if (worth_percent_ &&
        recoded.payload_sectors * whole_percent > old_sectors * (whole_percent - *worth_percent_)) {
        return std::nullopt;
    }
    totals += recoded;
    return map;
}

ByteView WindowRecoder::payloads(unsigned first_block, std::uint64_t bytes) const {
    return memory_->view().subspan(first_block * block_bytes, bytes);
}

}  // namespace insitu
