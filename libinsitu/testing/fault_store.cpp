// SPDX-License-Identifier: GPL-2.0-or-later
#include "testing/fault_store.hpp"

#include <algorithm>
#include <cerrno>

#include "insitu/error.hpp"

namespace insitu {

void FaultStore::fail_writes(std::uint64_t first_failing, int os_error, std::uint64_t torn_bytes) {
    writes_ = 0;
    first_failing_ = first_failing;
    os_error_ = os_error;
    torn_bytes_ = torn_bytes;
}

void FaultStore::fail_reads(std::uint64_t at_byte, std::uint64_t length_bytes) {
    bad_at_byte_ = at_byte;
    bad_length_bytes_ = length_bytes;
}

std::uint64_t FaultStore::admit() {
    const std::uint64_t number = writes_.fetch_add(1);
    if (number < first_failing_) return never;
    return number == first_failing_ ? torn_bytes_ : 0;
}

void FaultStore::fail(std::uint64_t at_byte, const char* what) const {
    throw io_error({.file = name(), .byte = at_byte}, what, os_error_);
}

void FaultStore::read_at(std::uint64_t at_byte, ByteSpan output) const {
    if (at_byte < bad_at_byte_ + bad_length_bytes_ && bad_at_byte_ < at_byte + output.size()) {
        throw io_error({.file = name(), .byte = std::max(at_byte, bad_at_byte_)}, "cannot read",
                       EIO);
    }
    below_.read_at(at_byte, output);
}

void FaultStore::write_at(std::uint64_t at_byte, ByteView input) {
    const std::uint64_t stored = at_byte < spared_bytes_ ? never : admit();
    if (stored == never) return below_.write_at(at_byte, input);
    below_.write_at(at_byte, input.first(std::min<std::uint64_t>(stored, input.size())));
    fail(at_byte, "cannot write");
}

void FaultStore::zero(std::uint64_t at_byte, std::uint64_t length_bytes) {
    const std::uint64_t stored = admit();
    if (stored == never) return below_.zero(at_byte, length_bytes);
    below_.zero(at_byte, std::min(stored, length_bytes));
    fail(at_byte, "cannot zero");
}

void FaultStore::discard(std::uint64_t at_byte, std::uint64_t length_bytes) {
    below_.discard(at_byte, length_bytes);
}

void FaultStore::sync() {
    if (spared_bytes_ == 0 && admit() != never) fail(0, "cannot sync");
    below_.sync();
}

std::uint64_t FaultStore::next_data(std::uint64_t at_byte) const {
    return below_.next_data(at_byte);
}

std::uint64_t FaultStore::next_hole(std::uint64_t at_byte) const {
    return below_.next_hole(at_byte);
}

}  // namespace insitu
