// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/fsck/undo_log.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include "format/little_endian.hpp"
#include "fsck/fingerprint.hpp"
#include "fsck/patch_writer.hpp"
#include "insitu/error.hpp"

namespace insitu {

namespace {

constexpr std::string_view log_magic = "insitu-undo-log\n";
constexpr std::uint32_t log_version = 1;
constexpr std::uint64_t header_bytes = 512;
constexpr std::uint64_t header_slots = 2;
constexpr std::uint64_t records_at_byte = header_bytes * header_slots;
constexpr std::size_t longest_record_bytes = 1 << 20;
constexpr std::size_t pending_limit_bytes = 1 << 20;

struct DiskHeader {
    std::array<char, 16> magic;
    LittleEndian<std::uint32_t> version;
    LittleEndian<std::uint32_t> state;
    LittleEndian<std::uint64_t> number;
    LittleEndian<std::uint64_t> old_size_bytes;
    LittleEndian<std::uint64_t> new_size_bytes;
    LittleEndian<std::uint64_t> old_fingerprint;
    LittleEndian<std::uint64_t> new_fingerprint;
    LittleEndian<std::uint64_t> record_bytes;
    LittleEndian<std::uint64_t> record_hash;
    LittleEndian<std::uint64_t> old_sample;
    std::array<char, 416> reserved;
    LittleEndian<std::uint64_t> hash;
};
static_assert(sizeof(DiskHeader) == header_bytes);
static_assert(offsetof(DiskHeader, hash) == header_bytes - sizeof(std::uint64_t));

struct DiskRecord {
    LittleEndian<std::uint64_t> at_byte;
    LittleEndian<std::uint64_t> length_bytes;
};
static_assert(sizeof(DiskRecord) == 16);

using DiskHash = LittleEndian<std::uint64_t>;

std::uint64_t hash_of(const DiskHeader& disk) {
    return XXH3_64bits(&disk, offsetof(DiskHeader, hash));
}

void append(std::vector<std::byte>& to, const void* bytes, std::size_t count) {
    const auto* from = static_cast<const std::byte*>(bytes);
    to.insert(to.end(), from, from + count);
}

XXH3_state_t* state_of(const std::shared_ptr<void>& hash) {
    return static_cast<XXH3_state_t*>(hash.get());
}

std::shared_ptr<void> new_hash() {
    XXH3_state_t* state = XXH3_createState();
    if (state == nullptr) throw std::bad_alloc();
    XXH3_64bits_reset(state);
    return {state, [](void* old) { XXH3_freeState(static_cast<XXH3_state_t*>(old)); }};
}

[[noreturn]] void damaged(const LogMedium& medium, const std::string& text) {
    throw Error(ErrorKind::damaged, {.file = medium.name()}, text);
}

}  // namespace

const char* to_string(LogState state) noexcept {
    switch (state) {
        case LogState::planning:
            return "planning";
        case LogState::applying:
            return "applying";
        case LogState::applied:
            return "applied";
        case LogState::undoing:
            return "undoing";
        case LogState::undone:
            return "undone";
    }
    return "unknown";
}

UndoLog::UndoLog(LogMedium& medium) : medium_(&medium), hash_(new_hash()) {}

UndoLog UndoLog::create(LogMedium& medium, const Store& image) {
    UndoLog log(medium);
    log.header_.old_size_bytes = image.size_bytes();
    log.header_.new_size_bytes = image.size_bytes();
    log.header_.old_fingerprint = image_fingerprint(image);
    log.header_.old_sample = data_sample(image);
    return log;
}

bool UndoLog::read_header(std::uint64_t slot, Header& header) const {
    DiskHeader disk;
    if (medium_->size_bytes() < (slot + 1) * header_bytes) return false;
    medium_->read_at(slot * header_bytes,
                     std::as_writable_bytes(std::span<DiskHeader, 1>(&disk, 1)));
    if (std::string_view(disk.magic.data(), disk.magic.size()) != log_magic) return false;
    if (disk.hash.get() != hash_of(disk)) return false;
    if (disk.version.get() != log_version) {
        damaged(*medium_, fmt::format("undo log has version {}, expected {}", disk.version.get(),
                                      log_version));
    }
    header = {static_cast<LogState>(disk.state.get()),
              disk.number.get(),
              disk.old_size_bytes.get(),
              disk.new_size_bytes.get(),
              disk.old_fingerprint.get(),
              disk.new_fingerprint.get(),
              disk.record_bytes.get(),
              disk.record_hash.get(),
              disk.old_sample.get()};
    return header.state >= LogState::planning && header.state <= LogState::undone;
}

UndoLog UndoLog::open(LogMedium& medium) {
    UndoLog log(medium);
    bool found = false;
    for (std::uint64_t slot = 0; slot < header_slots; ++slot) {
        Header header;
        if (!log.read_header(slot, header)) continue;
        if (!found || header.number > log.header_.number) log.header_ = header;
        found = true;
    }
    if (!found) damaged(medium, "is not an undo log, or its header is damaged");
    if (log.header_.state != LogState::planning) log.check_records();
    return log;
}

bool UndoLog::cut_off_early(LogMedium& medium) {
    if (medium.size_bytes() > records_at_byte) return false;
    // A file may get another length without any record.
    try {
        const UndoLog log(medium);
        Header header;
        for (std::uint64_t slot = 0; slot < header_slots; ++slot) {
            if (log.read_header(slot, header) && header.state != LogState::planning) return false;
        }
    } catch (const Error&) {
        return false;
    }
    return true;
}

void UndoLog::check_records() const {
    if (medium_->size_bytes() < records_at_byte + header_.record_bytes) {
        damaged(*medium_, fmt::format("undo log has {} bytes, expected {}", medium_->size_bytes(),
                                      records_at_byte + header_.record_bytes));
    }
    const auto running = new_hash();
    std::vector<std::byte> buffer(longest_record_bytes);
    for (std::uint64_t at = 0; at < header_.record_bytes;) {
        const std::size_t step = std::min<std::uint64_t>(buffer.size(), header_.record_bytes - at);
        medium_->read_at(records_at_byte + at, ByteSpan(buffer).first(step));
        XXH3_64bits_update(state_of(running), buffer.data(), step);
        at += step;
    }
    if (XXH3_64bits_digest(state_of(running)) != header_.record_hash) {
        damaged(*medium_, "the records of the undo log do not match its checksum");
    }
}

void UndoLog::write_header() {
    ++header_.number;
    DiskHeader disk;
    std::memset(static_cast<void*>(&disk), 0, sizeof disk);
    std::copy(log_magic.begin(), log_magic.end(), disk.magic.begin());
    disk.version.set(log_version);
    disk.state.set(static_cast<std::uint32_t>(header_.state));
    disk.number.set(header_.number);
    disk.old_size_bytes.set(header_.old_size_bytes);
    disk.new_size_bytes.set(header_.new_size_bytes);
    disk.old_fingerprint.set(header_.old_fingerprint);
    disk.new_fingerprint.set(header_.new_fingerprint);
    disk.record_bytes.set(header_.record_bytes);
    disk.record_hash.set(header_.record_hash);
    disk.old_sample.set(header_.old_sample);
    disk.hash.set(hash_of(disk));
    const std::uint64_t slot = (header_.number - 1) % header_slots;
    medium_->write_at(slot * header_bytes, std::as_bytes(std::span<const DiskHeader, 1>(&disk, 1)));
    medium_->sync();
}

// Both headers exist before the first record stands behind them.
void UndoLog::start() {
    write_header();
    write_header();
}

void UndoLog::set_state(LogState state) {
    header_.state = state;
    write_header();
}

void UndoLog::flush() {
    if (pending_.empty()) return;
    if (header_.number == 0) start();
    XXH3_64bits_update(state_of(hash_), pending_.data(), pending_.size());
    medium_->write_at(records_at_byte + header_.record_bytes, pending_);
    header_.record_bytes += pending_.size();
    pending_.clear();
}

void UndoLog::add(std::uint64_t at_byte, ByteView old_bytes, ByteView new_bytes) {
    for (std::size_t at = 0; at < old_bytes.size(); at += longest_record_bytes) {
        const std::size_t length = std::min(longest_record_bytes, old_bytes.size() - at);
        DiskRecord disk;
        disk.at_byte.set(at_byte + at);
        disk.length_bytes.set(length);
        const std::size_t start = pending_.size();
        append(pending_, &disk, sizeof disk);
        append(pending_, old_bytes.data() + at, length);
        append(pending_, new_bytes.data() + at, length);
        DiskHash hash;
        hash.set(XXH3_64bits(pending_.data() + start, pending_.size() - start));
        append(pending_, &hash, sizeof hash);
        if (pending_.size() >= pending_limit_bytes) flush();
    }
}

bool UndoLog::next_record(std::uint64_t& at, Record& record) const {
    if (at >= header_.record_bytes) return false;
    DiskRecord disk;
    medium_->read_at(records_at_byte + at,
                     std::as_writable_bytes(std::span<DiskRecord, 1>(&disk, 1)));
    const std::uint64_t length = disk.length_bytes.get();
    if (length > longest_record_bytes) damaged(*medium_, "a record of the undo log is torn");
    record.at_byte = disk.at_byte.get();
    record.old_bytes.resize(length);
    record.new_bytes.resize(length);
    at += sizeof disk;
    medium_->read_at(records_at_byte + at, record.old_bytes);
    medium_->read_at(records_at_byte + at + length, record.new_bytes);
    at += 2 * length + sizeof(DiskHash);
    return true;
}

void UndoLog::for_each_record(const std::function<void(const Record&)>& visit) const {
    Record record;
    for (std::uint64_t at = 0; next_record(at, record);)
        visit(record);
}

void UndoLog::write_image(Store& image, Direction direction) const {
    const std::uint64_t size =
        direction == Direction::forward ? header_.new_size_bytes : header_.old_size_bytes;
    PatchWriter writer(image);
    for_each_record([&](const Record& record) {
        if (record.at_byte >= size) return;
        const auto& bytes = direction == Direction::forward ? record.new_bytes : record.old_bytes;
        const std::uint64_t length = std::min<std::uint64_t>(bytes.size(), size - record.at_byte);
        writer.write(record.at_byte, ByteView(bytes).first(length));
    });
    writer.flush();
}

namespace {

void give_size(Store& image, std::uint64_t size_bytes, const UndoLog::Resize& resize) {
    if (image.size_bytes() == size_bytes) return;
    if (!resize) {
        throw Error(ErrorKind::refused, {.file = image.name()},
                    fmt::format("has {} bytes and cannot be made {} bytes long", image.size_bytes(),
                                size_bytes));
    }
    resize(size_bytes);
}

}  // namespace

void UndoLog::seal() {
    flush();
    if (empty()) return;
    if (header_.number == 0) start();
    header_.record_hash = XXH3_64bits_digest(state_of(hash_));
    medium_->sync();
}

void UndoLog::apply(Store& image, const Resize& resize) {
    set_state(LogState::applying);
    if (header_.new_size_bytes > image.size_bytes()) {
        give_size(image, header_.new_size_bytes, resize);
    }
    write_image(image, Direction::forward);
    give_size(image, header_.new_size_bytes, resize);
    image.sync();
    header_.new_fingerprint = image_fingerprint(image);
    set_state(LogState::applied);
}

void UndoLog::undo(Store& image, const Resize& resize) {
    set_state(LogState::undoing);
    if (header_.old_size_bytes > image.size_bytes()) {
        give_size(image, header_.old_size_bytes, resize);
    }
    write_image(image, Direction::backward);
    give_size(image, header_.old_size_bytes, resize);
    image.sync();
    set_state(LogState::undone);
}

}  // namespace insitu
