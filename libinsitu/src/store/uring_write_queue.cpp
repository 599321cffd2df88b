// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/uring_write_queue.hpp"

#ifdef INSITU_HAVE_URING
#include <liburing.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <cstring>
#include <exception>

#include "insitu/error.hpp"
#include "insitu/internal/store/aligned_buffer.hpp"
#include "store/lowest_failure.hpp"
#include "store/posix_io.hpp"
#endif

namespace insitu {

#ifdef INSITU_HAVE_URING
namespace {

constexpr unsigned depth = 16;
constexpr std::size_t slot_bytes = window_bytes;

class UringWriteQueue final : public WriteQueue {
  public:
    UringWriteQueue(io_uring ring, int fd, const std::string& name)
        : ring_(ring), fd_(fd), name_(name), memory_(depth * slot_bytes) {}

    // The kernel reads the slots until the last write has ended.
    ~UringWriteQueue() override {
        try {
            while (busy_.any())
                reap();
        } catch (const Error&) {
            // Nothing to be done: what is under way has its pages pinned by the kernel.
        }
        ::io_uring_queue_exit(&ring_);
    }

    void write_at(std::uint64_t at_byte, ByteView input) override {
        while (!input.empty()) {
            const ByteView part = input.first(std::min(input.size(), slot_bytes));
            submit(at_byte, part);
            at_byte += part.size();
            input = input.subspan(part.size());
        }
    }

    void finish() override {
        while (busy_.any())
            reap();
        failure_.rethrow();
    }

  private:
    struct Slot {
        std::uint64_t at_byte;
        std::size_t length_bytes;
    };

    ByteSpan memory_of(unsigned slot) noexcept {
        return memory_.span().subspan(slot * slot_bytes, slot_bytes);
    }

    unsigned free_slot() {
        while (busy_.all())
            reap();
        unsigned slot = 0;
        while (busy_[slot])
            ++slot;
        return slot;
    }

    void submit(std::uint64_t at_byte, ByteView part) {
        const unsigned slot = free_slot();
        slots_[slot] = {at_byte, part.size()};
        std::memcpy(memory_of(slot).data(), part.data(), part.size());
        io_uring_sqe* const entry = ::io_uring_get_sqe(&ring_);
        ::io_uring_prep_write(entry, fd_, memory_of(slot).data(),
                              static_cast<unsigned>(part.size()), at_byte);
        ::io_uring_sqe_set_data64(entry, slot);
        busy_.set(slot);
        // Where the kernel takes it no more, the entry stays in the ring for the next call.
        ::io_uring_submit(&ring_);
    }

    void reap() {
        io_uring_cqe* done = nullptr;
        const int status = ::io_uring_submit_and_wait(&ring_, 1);
        if (status < 0 && status != -EINTR && status != -EAGAIN && status != -EBUSY) {
            throw io_error({.file = name_}, "cannot wait for writes", -status);
        }
        while (::io_uring_peek_cqe(&ring_, &done) == 0) {
            const auto slot = static_cast<unsigned>(::io_uring_cqe_get_data64(done));
            const int result = done->res;
            ::io_uring_cqe_seen(&ring_, done);
            busy_.reset(slot);
            complete(slot, result);
        }
    }

    // What was not written whole is tried again without the ring, which also names the error.
    void complete(unsigned slot, int result) {
        const auto [at_byte, length_bytes] = slots_[slot];
        const std::size_t written = result > 0 ? static_cast<std::size_t>(result) : 0;
        if (written == length_bytes) return;
        try {
            write_whole(fd_, name_, at_byte + written,
                        memory_of(slot).subspan(written, length_bytes - written));
        } catch (const Error&) {
            failure_.keep(at_byte, std::current_exception());
        }
    }

    io_uring ring_;
    int fd_;
    const std::string& name_;
    AlignedBuffer memory_;
    std::array<Slot, depth> slots_{};
    std::bitset<depth> busy_;
    LowestFailure failure_;
};

}  // namespace

std::unique_ptr<WriteQueue> make_uring_write_queue(int fd, const std::string& name) {
    io_uring ring{};
    if (::io_uring_queue_init(depth, &ring, 0) != 0) return nullptr;
    return std::make_unique<UringWriteQueue>(ring, fd, name);
}
#else
std::unique_ptr<WriteQueue> make_uring_write_queue(int, const std::string&) {
    return nullptr;
}
#endif

}  // namespace insitu
