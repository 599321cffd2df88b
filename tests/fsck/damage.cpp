// SPDX-License-Identifier: GPL-2.0-or-later
#include "fsck/damage.hpp"

#include <algorithm>

namespace insitu::test {

namespace {

using Bytes = DriverModel::Bytes;
using Kept = DriverModel::DataKept;

constexpr std::uint64_t small_device_blocks = 96;
// The bits of block 819 stand on both sides of the border of two sectors of the bitmap.
constexpr std::uint64_t large_device_blocks = 864;
constexpr std::uint64_t busy_blocks = 128;  // at the end of the large device

std::uint64_t first_busy_block(const DriverModel& model) {
    return model.geometry().data_blocks() > busy_blocks
               ? model.geometry().data_blocks() - busy_blocks
               : 0;
}

Content any_kind(Random& random) {
    constexpr Content kinds[]{Content::random, Content::text, Content::text, Content::repeats,
                              Content::mixed};
    return kinds[below(random, std::size(kinds))];
}

// A request of 1 to 32 blocks, mostly short, at a place that others met before.
std::pair<std::uint64_t, Bytes> request(Random& random, const DriverModel& model) {
    const std::uint64_t start = first_busy_block(model);
    const std::uint64_t room = model.geometry().data_blocks() - start;
    const std::uint64_t longest = below(random, 3) == 0 ? window_blocks : 8;
    const std::uint64_t first = start + below(random, room);
    const std::uint64_t blocks =
        std::min(1 + below(random, longest), model.geometry().data_blocks() - first);
    return {first, make_content(random, any_kind(random), blocks * block_bytes)};
}

void write_some(Random& random, DriverModel& model, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto [first, content] = request(random, model);
        model.write(first, content);
    }
}

void cut_power(Random& random, Victim& victim) {
    write_some(random, victim.model, 1 + below(random, 12));
    constexpr Kept data[]{Kept::none,       Kept::all,  Kept::all,
                          Kept::first_ones, Kept::some, Kept::some_sectors};
    using Meta = DriverModel::MetaKept;
    constexpr Meta meta[]{Meta::old, Meta::old, Meta::current, Meta::any_version,
                          Meta::mixed_sectors};
    const Kept kept = data[below(random, std::size(data))];
    victim.torn = kept == Kept::some_sectors;
    victim.image = victim.model.crash(random, kept, meta[below(random, std::size(meta))]);
}

void fail_a_write(Random& random, Victim& victim) {
    auto [first, content] = request(random, victim.model);
    const std::uint64_t left = window_blocks - first % window_blocks;
    content.resize(std::min<std::size_t>(content.size(), left * block_bytes));
    victim.model.fail_write(first, content, static_cast<unsigned>(below(random, 7)));
    victim.image = victim.model.image();
}

void harm_meta(Random& random, Victim& victim) {
    const Geometry& geometry = victim.model.geometry();
    const std::uint64_t from_bit = first_busy_block(victim.model) * 5;
    const std::uint64_t bits = geometry.data_blocks() * 5 - from_bit;
    const std::uint64_t from = geometry.meta_at_byte() + from_bit / 8;
    const auto byte_at = [&] { return from + below(random, bits / 8); };
    const auto roll_back = [&](std::uint64_t first, std::uint64_t end) {
        std::copy(victim.older.begin() + static_cast<std::ptrdiff_t>(first),
                  victim.older.begin() + static_cast<std::ptrdiff_t>(end),
                  victim.image.begin() + static_cast<std::ptrdiff_t>(first));
    };
    switch (below(random, 5)) {
        case 0:
        case 1: {
            const std::uint64_t count = 1 + below(random, 4);
            for (std::uint64_t i = 0; i < count; ++i) {
                const std::uint64_t bit = from_bit + below(random, bits);
                victim.image[geometry.meta_at_byte() + bit / 8] ^=
                    std::byte{static_cast<unsigned char>(1U << bit % 8)};
            }
            return;
        }
        case 2: {
            const std::uint64_t first = byte_at();
            return roll_back(first, first + below(random, from + bits / 8 - first));
        }
        case 3:
            return roll_back(geometry.meta_at_byte(), geometry.data_at_byte());
        default: {
            const std::uint64_t count = 1 + below(random, 8);
            for (std::uint64_t at = byte_at(), i = 0; i < count; ++i)
                victim.image[at + i] = static_cast<std::byte>(random());
        }
    }
}

// Most of a device is empty: sectors that hold something are looked for.
void harm_sector(Random& random, Victim& victim) {
    const std::uint64_t data =
        victim.model.geometry().block_at_byte({first_busy_block(victim.model)});
    const std::uint64_t sectors = (victim.image.size() - data) / sector_bytes;
    const auto any_sector = [&] {
        constexpr unsigned tries = 64;
        auto sector = victim.image.begin();
        for (unsigned i = 0; i < tries; ++i) {
            sector = victim.image.begin() +
                     static_cast<std::ptrdiff_t>(data + below(random, sectors) * sector_bytes);
            if (std::any_of(sector, sector + sector_bytes,
                            [](std::byte byte) { return byte != std::byte{0}; })) {
                break;
            }
        }
        return sector;
    };
    switch (below(random, 4)) {
        case 0:
            any_sector()[static_cast<std::ptrdiff_t>(below(random, sector_bytes))] ^=
                std::byte{static_cast<unsigned char>(1U << below(random, 8))};
            return;
        case 1:
            std::fill_n(any_sector(), sector_bytes, std::byte{0});
            return;
        case 2: {
            const auto a = any_sector();
            const auto b = any_sector();
            if (a != b) std::swap_ranges(a, a + sector_bytes, b);
            return;
        }
        default: {  // half of an older sector
            const auto at = any_sector() - victim.image.begin();
            std::copy_n(victim.older.begin() + at, sector_bytes / 2, victim.image.begin() + at);
        }
    }
}

void harm_sectors(Random& random, Victim& victim) {
    victim.torn = true;
    for (std::uint64_t i = 1 + below(random, 4); i > 0; --i)
        harm_sector(random, victim);
}

void befall(Random& random, Victim& victim, Harm harm) {
    switch (harm) {
        case Harm::none:
            return;
        case Harm::power_cut:
            return cut_power(random, victim);
        case Harm::half_write:
            return fail_a_write(random, victim);
        case Harm::meta:
            return harm_meta(random, victim);
        case Harm::sectors:
            return harm_sectors(random, victim);
        case Harm::cut_file:
            victim.image.resize(victim.image.size() - (1 + below(random, 40)) * block_bytes);
            return;
        case Harm::any_mixture:
            break;
    }
    befall(random, victim, below(random, 2) == 0 ? Harm::power_cut : Harm::half_write);
    for (std::uint64_t i = below(random, 3); i > 0; --i)
        befall(random, victim, below(random, 2) == 0 ? Harm::meta : Harm::sectors);
    if (below(random, 8) == 0) befall(random, victim, Harm::cut_file);
}

}  // namespace

Victim make_victim(Random& random, Harm harm) {
    const auto algorithm = below(random, 2) == 0 ? Algorithm::lzo : Algorithm::deflate;
    const bool large = below(random, 4) == 0;
    Victim victim{{large ? large_device_blocks : small_device_blocks, algorithm}, {}, {}, false};
    write_some(random, victim.model, below(random, 30));
    victim.model.flush();
    victim.older = victim.model.image();
    write_some(random, victim.model, 1 + below(random, 20));
    victim.model.flush();
    victim.image = victim.model.image();
    befall(random, victim, harm);
    return victim;
}

}  // namespace insitu::test
