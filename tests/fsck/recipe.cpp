// SPDX-License-Identifier: GPL-2.0-or-later
#include "fsck/recipe.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "insitu/internal/image/image.hpp"
#include "insitu/internal/image/window_reader.hpp"
#include "insitu/internal/window/extent_encoder.hpp"
#include "support/little_endian.hpp"
#include "support/random_content.hpp"

namespace insitu::test {

namespace {

std::uint64_t number(const std::string& word) {
    return std::stoull(word, nullptr, 0);
}

Range range(const std::string& word) {
    const std::size_t plus = word.find('+');
    if (plus == std::string::npos) return {number(word), 1};
    return {number(word.substr(0, plus)), number(word.substr(plus + 1))};
}

Content kind(const std::string& word) {
    if (word == "text") return Content::text;
    if (word == "random") return Content::random;
    if (word == "repeats") return Content::repeats;
    if (word == "zeros") return Content::zeros;
    throw std::runtime_error("unknown content " + word);
}

}  // namespace

Recipe::Recipe(const std::string& path) {
    std::ifstream file(path);
    if (!file) throw std::runtime_error(path + ": cannot open");
    unsigned line_number = 0;
    for (std::string line; std::getline(file, line);) {
        ++line_number;
        std::istringstream stream(line.substr(0, line.find('#')));
        Words words;
        for (std::string word; stream >> word;)
            words.push_back(word);
        if (words.empty()) continue;
        try {
            run(words);
        } catch (const std::exception& error) {
            throw std::runtime_error(path + ":" + std::to_string(line_number) + ": " +
                                     error.what());
        }
    }
    begin_damage();
}

void Recipe::run(const Words& words) {
    if (build(words) || damage_data(words) || damage_meta(words) || damage_super(words) ||
        expect(words)) {
        return;
    }
    throw std::runtime_error("unknown word " + words[0]);
}

std::uint64_t Recipe::at(std::uint64_t block, std::uint64_t sector) const {
    return geometry_.block_at_byte({block}) + sector * sector_bytes;
}

void Recipe::make_device(std::uint64_t data_blocks, const std::string& algorithm) {
    algorithm_ = algorithm == "deflate" ? Algorithm::deflate : Algorithm::lzo;
    const std::uint64_t size = smallest_device_blocks(data_blocks) * block_bytes;
    SuperBlock super;
    super.counts = counts_for_device(size);
    super.comp_alg = static_cast<std::uint8_t>(algorithm_);
    device.resize(size);
    encode_super_block(super, ByteSpan(device.bytes()).first<block_bytes>());
    geometry_ = Geometry(super.counts);
    same.resize(geometry_.logical_bytes());
}

// The content of a line "… FIRST+BLOCKS KIND": the same on each run, another for another range.
std::vector<std::byte> Recipe::content_of(const Words& words) const {
    const Range where = range(words.at(1));
    Random random(where.first * 1000 + where.blocks + (damaged_ ? 7777777 : 0));
    auto content = make_content(random, kind(words.at(2)), where.blocks * block_bytes);
    return content;
}

void Recipe::put_meta(std::uint64_t first, std::uint64_t blocks, unsigned sectors) {
    unsigned left = sectors;
    for (std::uint64_t i = 0; i < blocks; ++i) {
        const unsigned share = std::min(left, sectors_per_block);
        left -= share;
        put_entry(first + i, share | (i > 0 && sectors > 0 ? 16U : 0U), 31);
    }
}

// Bit by bit, as FORMAT has it: the library's own way is under test.
void Recipe::put_entry(std::uint64_t block, unsigned bits, unsigned mask) {
    for (unsigned i = 0; i < 5; ++i) {
        if (((mask >> i) & 1) == 0) continue;
        const std::uint64_t bit = 5 * block + i;
        std::byte& byte = device.bytes()[block_bytes + bit / 8];
        const std::byte one{static_cast<unsigned char>(1U << (bit % 8))};
        byte = ((bits >> i) & 1) != 0 ? byte | one : byte & ~one;
    }
}

void Recipe::put_payload(std::uint64_t first, ByteView content, bool raw, bool with_meta,
                         DeflateWindow window) {
    ExtentEncoder encoder({.algorithm = algorithm_, .window = window}, seals_);
    const ByteView payload = raw ? content : encoder.encode({first}, content);
    device.write_at(at(first), payload);
    std::vector<std::byte>& logical = damaged_ ? newer : same;
    std::copy(content.begin(), content.end(),
              logical.begin() + static_cast<std::ptrdiff_t>(first * block_bytes));
    if (with_meta) {
        put_meta(first, content.size() / block_bytes,
                 static_cast<unsigned>(payload.size() / sector_bytes));
    }
}

bool Recipe::build(const Words& words) {
    if (words[0] == "device") {
        make_device(number(words.at(1)), words.at(2));
    } else if (words[0] == "seals") {
        seals_ = words.at(1) == "write" ? Seals::write : Seals::none;
    } else if (words[0] == "extent") {
        const auto content = content_of(words);
        put_payload(range(words[1]).first, content, words[2] == "random", true);
    } else if (words[0] == "nested") {
        // Raw content that is itself a perfect payload, as in an image inside the image.
        const Range where = range(words.at(1));
        Random random(where.first);
        auto content = make_content(random, Content::random, where.blocks * block_bytes);
        ExtentEncoder encoder({.algorithm = algorithm_}, seals_);
        const auto text = make_content(random, Content::text, where.blocks * block_bytes);
        const ByteView payload = encoder.encode({where.first}, text);
        std::copy(payload.begin(), payload.end(), content.begin());
        put_payload(where.first, content, true, true);
    } else if (words[0] == "wide") {
        // Deflate with distances of 6 KiB, as only a window of 32 KiB allows.
        const Range where = range(words.at(1));
        Random random(9);
        auto content = make_content(random, Content::random, where.blocks * block_bytes);
        constexpr std::size_t period = 6144;
        for (std::size_t i = period; i < content.size(); ++i)
            content[i] = content[i - period];
        put_payload(where.first, content, false, true, DeflateWindow::kib32);
    } else if (words[0] == "junk") {
        Random random(number(words.at(1).substr(0, words[1].find('+'))) + 31);
        const Range where = range(words[1]);
        device.write_at(at(where.first),
                        make_content(random, Content::random, where.blocks * block_bytes));
    } else if (words[0] == "snapshot") {
        snapshot_ = device.bytes();
    } else if (words[0] == "dump") {
        const auto from = device.bytes().begin() + block_bytes;
        dump.emplace(std::vector<std::byte>(
            from, from + static_cast<std::ptrdiff_t>(geometry_.meta_bytes())));
    } else if (words[0] == "manifest") {
        save_manifest();
    } else if (words[0] == "damage") {
        begin_damage();
    } else {
        return false;
    }
    return true;
}

void Recipe::save_manifest() {
    const Image image = Image::open(device);
    WindowReader reader(image);
    manifest_extents_.clear();
    for (std::uint64_t w = 0; w < geometry_.window_count(); ++w) {
        const auto touching = reader.meta().extents_touching({w});
        for (const StoredExtent& extent : std::vector(touching.begin(), touching.end())) {
            if (extent.unmapped()) continue;
            const auto from = extent.first.value * block_bytes;
            manifest_extents_.push_back(
                {extent.first, extent.blocks,
                 content_hash(ByteView(same).subspan(from, extent.blocks * block_bytes))});
        }
    }
    manifest.emplace(manifest_extents_, geometry_.logical_bytes(), Manifest::Others::zeros,
                     "manifest");
}

void Recipe::begin_damage() {
    if (damaged_) return;
    damaged_ = true;
    sound = device.bytes();
    newer = same;
}

unsigned Recipe::extent_sectors(std::uint64_t first) const {
    const Image image = Image::open(device);
    const WindowMap map = MetaCursor(image).map(window_of({first}));
    return map.extent_at(static_cast<unsigned>(first % 32)).payload_sectors;
}

bool Recipe::damage_data(const Words& words) {
    const auto arg = [&](std::size_t i) { return number(words.at(i)); };
    if (words[0] == "payload" || words[0] == "raw") {
        put_payload(range(words.at(1)).first, content_of(words), words[0] == "raw", false);
    } else if (words[0] == "old-payload") {
        // The data of an extent as it was at the snapshot.
        const Range where = range(words.at(1));
        const auto from = snapshot_.begin() + static_cast<std::ptrdiff_t>(at(where.first));
        std::copy(from, from + static_cast<std::ptrdiff_t>(where.blocks * block_bytes),
                  device.bytes().begin() + static_cast<std::ptrdiff_t>(at(where.first)));
    } else if (words[0] == "flip") {
        device.bytes()[at(arg(1)) + arg(2)] ^= std::byte{static_cast<unsigned char>(1U << arg(3))};
    } else if (words[0] == "break-seal") {
        const unsigned sectors = extent_sectors(arg(1));
        device.bytes()[at(arg(1), sectors) - length_word_bytes - 1] ^= std::byte{1};
    } else if (words[0] == "zero-sectors") {
        device.zero(at(arg(1), arg(2)), arg(3) * sector_bytes);
    } else if (words[0] == "random-sectors") {
        Random random(arg(1) + arg(2));
        device.write_at(at(arg(1), arg(2)),
                        make_content(random, Content::random, arg(3) * sector_bytes));
    } else if (words[0] == "copy-blocks") {
        std::vector<std::byte> bytes(arg(3) * block_bytes);
        device.read_at(at(arg(1)), bytes);
        device.write_at(at(arg(2)), bytes);
    } else if (words[0] == "word") {
        const std::uint64_t value = arg(3);
        device.write_at(at(arg(1), arg(2)) - 4,
                        ByteView(reinterpret_cast<const std::byte*>(&value), 4));
    } else if (words[0] == "length") {
        // The length word of the extent that the meta has there.
        const unsigned sectors = extent_sectors(arg(1));
        device.write_at(at(arg(1), sectors) - length_word_bytes,
                        little_endian(static_cast<std::uint32_t>(arg(2))));
    } else if (words[0] == "unreadable") {
        const Range where = range(words.at(1));
        device.make_unreadable(at(where.first), where.blocks * block_bytes);
    } else if (words[0] == "size") {
        device.resize(arg(1) * block_bytes);
    } else if (words[0] == "size-bytes") {
        device.resize(arg(1));
    } else {
        return false;
    }
    return true;
}

bool Recipe::damage_meta(const Words& words) {
    const auto arg = [&](std::size_t i) { return number(words.at(i)); };
    if (words[0] == "claim") {
        const Range where = range(words.at(1));
        put_meta(where.first, where.blocks, static_cast<unsigned>(arg(2)));
    } else if (words[0] == "share") {
        put_entry(arg(1), static_cast<unsigned>(arg(2)), 15);
    } else if (words[0] == "tail") {
        put_entry(arg(1), static_cast<unsigned>(arg(2)) << 4, 16);
    } else if (words[0] == "tails") {
        const Range where = range(words.at(1));
        for (std::uint64_t i = 0; i < where.blocks; ++i)
            put_entry(where.first + i, 16, 31);
    } else if (words[0] == "meta-zero") {
        device.zero(geometry_.meta_at_byte(), geometry_.meta_bytes());
    } else if (words[0] == "meta-random") {
        Random random(arg(1));
        device.write_at(geometry_.meta_at_byte(),
                        make_content(random, Content::random, geometry_.meta_bytes()));
    } else if (words[0] == "stale-meta") {
        // Bytes of the bitmap as they were at the snapshot: FIRST+COUNT.
        const Range bytes = range(words.at(1));
        const std::uint64_t from = geometry_.meta_at_byte() + bytes.first;
        std::copy_n(snapshot_.begin() + static_cast<std::ptrdiff_t>(from), bytes.blocks,
                    device.bytes().begin() + static_cast<std::ptrdiff_t>(from));
    } else {
        return false;
    }
    return true;
}

bool Recipe::damage_super(const Words& words) {
    const auto block = ByteSpan(device.bytes()).first<block_bytes>();
    if (words[0] == "super-zero") {
        device.zero(0, block_bytes);
        return true;
    }
    if (words[0] == "super-random") {
        Random random(5);
        device.write_at(0, make_content(random, Content::random, block_bytes));
        return true;
    }
    if (words[0] != "super") return false;
    SuperBlock super = decode_super_block(block);
    const std::uint64_t value = number(words.at(2));
    if (words[1] == "magic") super.magic = value;
    if (words[1] == "version") super.version = value;
    if (words[1] == "meta") super.counts.meta_blocks = value;
    if (words[1] == "data") super.counts.data_blocks = value;
    if (words[1] == "alg") super.comp_alg = static_cast<std::uint8_t>(value);
    encode_super_block(super, block);
    return true;
}

void Recipe::set_repair(const Words& words) {
    for (const std::string& word : words) {
        if (word == "safe") options.scope = RepairOptions::Scope::safe;
        if (word == "trust-payloads") options.trust_payloads = true;
        if (word == "salvage") options.salvage = true;
        if (word == "rebuild-super") options.rebuild_super = true;
        if (word == "rebuild-meta") options.rebuild_meta = true;
        if (word == "restore-meta") options.meta_dump = &dump.value();
        if (word == "manifest") options.check.manifest = &manifest.value();
        if (word == "force") options.rebuild_without_evidence = true;
        if (word == "force") options.manifest_trust = RepairOptions::ManifestTrust::force;
        if (word == "resize") options.resize = [](std::uint64_t) {};
    }
}

bool Recipe::expect(const Words& words) {
    if (words[0] == "repair") {
        set_repair(words);
    } else if (words[0] == "find") {
        std::optional<Range> where;
        if (words.size() > 2) where = range(words[2]);
        findings.push_back({words.at(1), where});
    } else if (words[0] == "plan") {
        plan.push_back(words.at(1));
    } else if (words[0] == "reads") {
        reads.push_back({range(words.at(1)), words.at(2)});
    } else if (words[0] == "status") {
        status = static_cast<int>(number(words.at(1)));
    } else if (words[0] == "again") {
        again = static_cast<int>(number(words.at(1)));
    } else {
        return false;
    }
    return true;
}

}  // namespace insitu::test
