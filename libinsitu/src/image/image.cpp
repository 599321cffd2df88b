// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/image/image.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "image/pending.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/format/intent.hpp"
#include "insitu/internal/image/meta_cursor.hpp"
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

// Whether the bitmap has the stamp that an intent was made for.
bool stamp_fits(const Image& image, const Intent& intent) {
    const StampPlace place = stamp_place(image.geometry());
    std::array<std::byte, sizeof intent.stamp> expected{};
    std::array<std::byte, sizeof intent.stamp> found{};
    encode_stamp(intent.stamp, expected);
    image.store().read_at(place.at_byte, ByteSpan(found).first(place.bytes));
    return std::equal(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(place.bytes),
                      expected.begin());
}

// Whether an intent may belong to the image. pending_state() knows more, since it reads the redo
// streams as well; here a doubt is enough to ask. Formatting leaves intents and an empty bitmap
// without their stamp: these are forgotten.
bool may_be_pending(const Image& image) {
    if (image.geometry().data_at_byte() > image.store().size_bytes()) return false;
    for (unsigned slot = 0; slot < intent_slots; ++slot) {
        std::array<std::byte, sector_bytes> sector{};
        image.store().read_at(intent_slot_at_byte(slot), sector);
        const auto intent = decode_intent(sector);
        if (!intent || intent->data_blocks != image.geometry().data_blocks()) continue;
        if (stamp_fits(image, *intent)) return true;
        const WindowIndex end{image.geometry().window_count()};
        if (MetaCursor(image).next_mapped({0}) < end) return true;
    }
    return false;
}

}  // namespace

void refuse_pending(const Store& store) {
    throw Error(ErrorKind::refused, {.file = store.name()},
                "an interrupted live device left a commit that is not applied: what is in place is "
                "not what was last made durable",
                "open_image() applies it in memory, apply_intents() and clear_intents() in place, "
                "insitu-fsck -p as well");
}

SuperBlock read_super_block(const Store& store) {
    if (store.size_bytes() < block_bytes) {
        reject(store, fmt::format("not an insitu-comp image: {} bytes are less than a super block",
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
    if (pending == PendingCheck::refuse && may_be_pending(image)) refuse_pending(store);
    return image;
}

}  // namespace insitu
