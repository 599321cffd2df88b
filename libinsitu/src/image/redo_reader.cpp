// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/redo_reader.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace insitu {

RunningHash::RunningHash() : state_(XXH3_createState()) {
    if (!state_) throw std::bad_alloc();
    XXH3_64bits_reset(state_.get());
}

void RunningHash::add(ByteView bytes) noexcept {
    XXH3_64bits_update(state_.get(), bytes.data(), bytes.size());
}

std::uint64_t RunningHash::value() const noexcept {
    return XXH3_64bits_digest(state_.get());
}

RedoReader::RedoReader(const Store& store, const Geometry& geometry, const Intent& intent)
    : store_(store),
      geometry_(geometry),
      buffer_(longest_run_sectors * sector_bytes),
      next_(intent.first),
      left_bytes_(intent.redo_bytes) {}

bool RedoReader::load(SectorRun run) {
    const std::uint64_t first = geometry_.data_at_byte() / sector_bytes;
    // What a shorter file has lost is no part of a stream.
    const std::uint64_t end =
        std::min(geometry_.device_bytes(), store_.size_bytes()) / sector_bytes;
    if (run.sectors == 0 || run.sectors > longest_run_sectors) return false;
    if (run.first_sector < first || run.first_sector >= end) return false;
    if (run.sectors > end - run.first_sector) return false;
    store_.read_at(run.at_byte(), buffer_.first(run.bytes()));
    next_ = unsafe_run_link(buffer_.view().first<run_link_bytes>());
    at_ = run_link_bytes;
    end_ = run.bytes();
    return true;
}

bool RedoReader::read(ByteSpan output) {
    if (output.size() > left_bytes_) return false;
    left_bytes_ -= output.size();
    while (!output.empty()) {
        if (at_ == end_ && !load(next_)) return false;
        const std::size_t step = std::min(output.size(), end_ - at_);
        std::memcpy(output.data(), buffer_.data() + at_, step);
        hash_.add(output.first(step));
        at_ += step;
        output = output.subspan(step);
    }
    return true;
}

}  // namespace insitu
