// SPDX-License-Identifier: GPL-2.0-or-later
#include "fsck/patch_writer.hpp"

#include <algorithm>
#include <cstring>

namespace insitu {

void PatchWriter::load(std::uint64_t block) {
    if (loaded_ == block) return;
    flush();
    // The last block of a device may be cut off.
    length_ = std::min<std::uint64_t>(block_bytes, store_.size_bytes() - block * block_bytes);
    store_.read_at(block * block_bytes, block_.first(length_));
    loaded_ = block;
}

void PatchWriter::write(std::uint64_t at_byte, ByteView bytes) {
    for (std::size_t done = 0; done < bytes.size();) {
        const std::uint64_t in_block = (at_byte + done) % block_bytes;
        const std::size_t step = std::min<std::size_t>(block_bytes - in_block, bytes.size() - done);
        load((at_byte + done) / block_bytes);
        std::memcpy(block_.data() + in_block, bytes.data() + done, step);
        done += step;
    }
}

void PatchWriter::flush() {
    if (!loaded_) return;
    store_.write_at(*loaded_ * block_bytes, block_.first(length_));
    loaded_.reset();
}

}  // namespace insitu
