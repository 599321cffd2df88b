// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/store.hpp"

namespace insitu {

namespace {

class ImmediateWrites final : public WriteQueue {
  public:
    explicit ImmediateWrites(Store& store) : store_(store) {}
    void write_at(std::uint64_t at_byte, ByteView input) override {
        store_.write_at(at_byte, input);
    }
    void finish() override {}

  private:
    Store& store_;
};

}  // namespace

Store::~Store() = default;

void Store::discard(std::uint64_t, std::uint64_t) {}

std::unique_ptr<WriteQueue> Store::write_queue() {
    return std::make_unique<ImmediateWrites>(*this);
}

void Store::start_writeback(std::uint64_t, std::uint64_t) {}

std::uint64_t Store::next_data(std::uint64_t at_byte) const {
    const std::uint64_t end = size_bytes();
    return at_byte < end ? at_byte : end;
}

std::uint64_t Store::next_hole(std::uint64_t) const {
    return size_bytes();
}

std::optional<std::uint64_t> Store::allocated_bytes() const {
    return std::nullopt;
}

std::optional<std::uint64_t> Store::free_bytes() const {
    return std::nullopt;
}

std::size_t Store::alignment_bytes() const noexcept {
    return 1;
}

void Store::drop_cache() const {}

}  // namespace insitu
