// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/nbd_write_queue.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace insitu {

namespace {

constexpr std::size_t slot_bytes = window_bytes;

}  // namespace

NbdWriteQueue::NbdWriteQueue(const std::string& uri, StopScope::Stopped stopped)
    : name_(uri), memory_(depth * slot_bytes), connection_(uri, std::move(stopped)) {}

void NbdWriteQueue::write_at(std::uint64_t at_byte, ByteView input) {
    while (!input.empty()) {
        const ByteView part = input.first(std::min(input.size(), slot_bytes));
        submit(at_byte, part);
        at_byte += part.size();
        input = input.subspan(part.size());
    }
}

void NbdWriteQueue::submit(std::uint64_t at_byte, ByteView input) {
    Slot& slot = free_slot();
    const auto index = static_cast<std::size_t>(&slot - slots_.data());
    std::byte* const bytes = memory_.data() + index * slot_bytes;
    std::memcpy(bytes, input.data(), input.size());
    slot.at_byte = at_byte;
    constexpr nbd_completion_callback nobody{};
    slot.cookie = nbd().aio_pwrite(connection_.get(), bytes, input.size(), at_byte, nobody, 0);
    if (slot.cookie < 0) failed(slot);
}

NbdWriteQueue::Slot& NbdWriteQueue::free_slot() {
    for (;;) {
        const auto found = std::find_if(slots_.begin(), slots_.end(),
                                        [](const Slot& slot) { return slot.cookie == 0; });
        if (found != slots_.end()) return *found;
        reap();
    }
}

void NbdWriteQueue::failed(Slot& slot) {
    const Error error = nbd_error({.file = name_, .byte = slot.at_byte}, "cannot write");
    slot.cookie = 0;
    failure_.keep(slot.at_byte, std::make_exception_ptr(error));
}

void NbdWriteQueue::reap() {
    const bool lost = !connection_.wait_for_event();
    for (Slot& slot : slots_) {
        if (slot.cookie == 0) continue;
        const int done =
            nbd().aio_command_completed(connection_.get(), static_cast<std::uint64_t>(slot.cookie));
        if (done < 0 || (done == 0 && lost)) {
            failed(slot);
        } else if (done > 0) {
            slot.cookie = 0;
        }
    }
}

void NbdWriteQueue::finish() {
    while (std::any_of(slots_.begin(), slots_.end(),
                       [](const Slot& slot) { return slot.cookie != 0; })) {
        reap();
    }
    failure_.rethrow();
}

}  // namespace insitu
