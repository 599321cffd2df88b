// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/ops/source.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "insitu/error.hpp"

namespace insitu {

namespace {

class StoreSource final : public Source {
  public:
    StoreSource(const Store& store, SourceSize size) : store_(store), size_(size) {}

    const std::string& name() const noexcept override { return store_.name(); }
    std::optional<std::uint64_t> size_bytes() const override { return store_.size_bytes(); }

    std::optional<WindowIndex> next_window() override {
        const std::uint64_t data = at_byte_ < hole_byte_ ? at_byte_ : store_.next_data(at_byte_);
        if (data >= store_.size_bytes()) return std::nullopt;
        return WindowIndex{data / window_bytes};
    }

    bool take(SourceBatch& batch, ByteSpan, WindowIndex limit) override {
        const auto window = next_window();
        if (!window || *window >= limit) return false;
        const std::uint64_t start = window->value * window_bytes;
        // A batch ends with the window in which a hole begins: holes are not worth reading.
        const std::uint64_t from = std::max(start, at_byte_);
        if (hole_byte_ <= from) hole_byte_ = store_.next_hole(from);
        const std::uint64_t data_end = ceil_div(std::max(hole_byte_, start + 1), window_bytes);
        const std::uint64_t end = std::min({data_end * window_bytes, start + batch_bytes,
                                            limit.value * window_bytes, store_.size_bytes()});
        batch = {*window, end - start, start - at_byte_};
        at_byte_ = end;
        return true;
    }

    void fill(const SourceBatch& batch, ByteSpan buffer) override {
        store_.read_at(batch.first.value * window_bytes, buffer.first(batch.length_bytes));
    }

    void check_unchanged() const override {
        const std::uint64_t now = store_.present_size_bytes();
        if (size_ == SourceSize::may_change || now == store_.size_bytes()) return;
        throw Error(
            ErrorKind::refused, {.file = name()},
            fmt::format("changed while it was read: has {} bytes now, {} when it was opened", now,
                        store_.size_bytes()),
            "pack it when nobody writes to it; --force-share takes what was read");
    }

  private:
    const Store& store_;
    SourceSize size_;
    std::uint64_t at_byte_ = 0;
    std::uint64_t hole_byte_ = 0;  // no hole is known to begin before it
};

}  // namespace

Source::~Source() = default;

void Source::check_unchanged() const {}

std::unique_ptr<Source> make_source(const Store& store, SourceSize size) {
    return std::make_unique<StoreSource>(store, size);
}

}  // namespace insitu
