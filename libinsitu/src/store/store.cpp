// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/store.hpp"

#include "insitu/error.hpp"
#include "store/lowest_failure.hpp"

namespace insitu {

namespace {

// Errors are kept for finish(), so that callers see the same whether there is a ring or not.
class ImmediateWrites final : public WriteQueue {
  public:
    explicit ImmediateWrites(Store& store) : store_(store) {}
    void write_at(std::uint64_t at_byte, ByteView input) override {
        try {
            store_.write_at(at_byte, input);
        } catch (const Error&) {
            failure_.keep(at_byte, std::current_exception());
        }
    }
    void finish() override { failure_.rethrow(); }

  private:
    Store& store_;
    LowestFailure failure_;
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
