// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/image/image.hpp"

#include <fmt/format.h>

#include "image/intents.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/image/unfinished.hpp"
#include "insitu/internal/store/aligned_buffer.hpp"

namespace insitu {

namespace {

[[noreturn]] void reject(const Store& store, const std::string& text, std::string hint = {}) {
    throw Error(ErrorKind::damaged, {.file = store.name()}, text, std::move(hint));
}

void check_size(const Store& store, const SuperBlock& super) {
    const std::uint64_t actual_bytes = store.size_bytes();
    const std::uint64_t wanted_bytes = Geometry(super.counts).device_bytes();
    const BlockCounts expected = counts_for_device(actual_bytes);
    if (wanted_bytes / block_bytes != actual_bytes / block_bytes) {
        reject(store,
               fmt::format("super block is for a device of {} blocks ({} bytes), this one has {} "
                           "({} bytes): the driver refuses it",
                           wanted_bytes / block_bytes, wanted_bytes, actual_bytes / block_bytes,
                           actual_bytes),
               fmt::format("truncate -s {} gives a file its size back, a partition must be made "
                           "that large; --ignore-size reads what is there",
                           wanted_bytes));
    }
    if (classify_device(actual_bytes) == DeviceFit::driver_overflows) {
        reject(store, fmt::format("the driver cannot use a device of {} bytes", actual_bytes),
               "--ignore-size reads it all the same");
    }
    reject(
        store,
        fmt::format("super block has {} meta and {} data blocks, expected {} and {} for {} bytes",
                    super.counts.meta_blocks, super.counts.data_blocks, expected.meta_blocks,
                    expected.data_blocks, actual_bytes),
        "insitu-fsck reports more; --ignore-size reads by the counts in the super block");
}

}  // namespace

SuperBlock read_super_block(const Store& store) {
    if (store.size_bytes() < block_bytes) {
        reject(store,
               fmt::format("not an insitu-comp image: {} bytes are fewer than a super block has",
                           store.size_bytes()));
    }
    AlignedBuffer block(block_bytes);
    store.read_at(0, block.span());
    return decode_super_block(block.view().first<block_bytes>());
}

namespace {

SuperBlock checked_super_block(const Store& store, SizeCheck check) {
    const SuperBlock super = read_super_block(store);
    const SuperFaults faults = check_super_block(super, store.size_bytes());
    if (faults.has(SuperFault::magic)) {
        refuse_unfinished(store);
        reject(store,
               fmt::format("not an insitu-comp image: magic is {:#018x}, expected {:#018x}",
                           super.magic, super_magic),
               "insitu-pack makes an image of a raw one, insitu-format an empty one");
    }
    if (faults.has(SuperFault::version)) {
        reject(store,
               fmt::format("format version is {}, expected {}", super.version, super_version));
    }
    if (faults.has(SuperFault::algorithm)) {
        reject(store,
               fmt::format("comp_alg is {}, expected 0 (lzo) or 1 (deflate): the driver crashes "
                           "on it",
                           super.comp_alg),
               "insitu-fsck -y finds out which one it was");
    }
    if (faults.has(SuperFault::counts_impossible)) {
        const bool wrapped = super.counts == driver_counts_for_device(store.size_bytes()) &&
                             classify_device(store.size_bytes()) == DeviceFit::driver_overflows;
        reject(store,
               wrapped ? fmt::format("formatted to {} bytes, a size that the driver cannot use: "
                                     "its data_blocks overflowed to {}",
                                     store.size_bytes(), super.counts.data_blocks)
                       : fmt::format("super block has {} meta and {} data blocks, which no device "
                                     "can have",
                                     super.counts.meta_blocks, super.counts.data_blocks),
               "insitu-fsck reports what can be done");
    }
    if (check == SizeCheck::strict &&
        (faults.has(SuperFault::counts_differ) || faults.has(SuperFault::device_unusable))) {
        check_size(store, super);
    }
    return super;
}

}  // namespace

Image Image::open(const Store& store, SizeCheck check, PendingCheck pending) {
    const Image image(store, checked_super_block(store, check));
    if (pending == PendingCheck::ignore) return image;
    for (const FoundIntent& found : read_intents(store, image.geometry())) {
        if (found.state != IntentState::none) refuse_pending(store);
    }
    return image;
}

}  // namespace insitu
