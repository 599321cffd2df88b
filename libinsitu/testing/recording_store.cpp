// SPDX-License-Identifier: GPL-2.0-or-later
#include "testing/recording_store.hpp"

namespace insitu {

RecordingStore::RecordingStore(ByteView start) : Store("recording"), medium_(start.size()) {
    medium_.write_at(0, start);
}

void RecordingStore::read_at(std::uint64_t at_byte, ByteSpan output) const {
    const std::lock_guard lock(mutex_);
    medium_.read_at(at_byte, output);
}

void RecordingStore::write_at(std::uint64_t at_byte, ByteView input) {
    const std::lock_guard lock(mutex_);
    medium_.write_at(at_byte, input);
    events_.push_back({at_byte, {input.begin(), input.end()}});
}

void RecordingStore::zero(std::uint64_t at_byte, std::uint64_t length_bytes) {
    write_at(at_byte, std::vector<std::byte>(length_bytes));
}

void RecordingStore::discard(std::uint64_t at_byte, std::uint64_t length_bytes) {
    constexpr std::byte discarded{0xdd};
    write_at(at_byte, std::vector<std::byte>(length_bytes, discarded));
}

void RecordingStore::sync() {
    const std::lock_guard lock(mutex_);
    events_.push_back({});
}

std::size_t RecordingStore::event_count() const {
    const std::lock_guard lock(mutex_);
    return events_.size();
}

}  // namespace insitu
