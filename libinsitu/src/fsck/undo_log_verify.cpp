// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "fsck/fingerprint.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/fsck/undo_log.hpp"

// Whether an image is the one that a log was made for.
namespace insitu {

// The image as it was before the repair, or as it was after it: what is there now under the old or
// the new bytes of the log. Made for one pass over super block and meta: the records of these rise,
// so each is read once.
class UndoLog::WholeImage final : public Store {
  public:
    WholeImage(const UndoLog& log, const Store& now, Direction direction)
        : Store(now.name()), log_(log), now_(now), new_(direction == Direction::forward) {
        forward();
    }

    std::uint64_t size_bytes() const override {
        return new_ ? log_.header_.new_size_bytes : log_.header_.old_size_bytes;
    }

    void read_at(std::uint64_t at_byte, ByteSpan output) const override {
        const std::uint64_t end = at_byte + output.size();
        std::memset(output.data(), 0, output.size());
        if (at_byte < now_.size_bytes()) {
            now_.read_at(at_byte, output.first(std::min(end, now_.size_bytes()) - at_byte));
        }
        for (; more_ && record_.at_byte < end; forward()) {
            overlay(new_ ? record_.new_bytes : record_.old_bytes, record_.at_byte, at_byte, output);
            if (record_.at_byte + record_.old_bytes.size() > end) return;
        }
    }

    std::uint64_t next_data(std::uint64_t at_byte) const override {
        if (at_byte < now_.size_bytes()) return at_byte;
        return more_ ? std::min(std::max(at_byte, record_.at_byte), size_bytes()) : size_bytes();
    }

    void write_at(std::uint64_t at_byte, ByteView) override { refuse(at_byte); }
    void zero(std::uint64_t at_byte, std::uint64_t) override { refuse(at_byte); }
    void sync() override {}

    static void overlay(ByteView bytes, std::uint64_t bytes_at, std::uint64_t at_byte,
                        ByteSpan output) {
        const std::uint64_t from = std::max(bytes_at, at_byte);
        const std::uint64_t to = std::min(bytes_at + bytes.size(), at_byte + output.size());
        if (from >= to) return;
        std::memcpy(output.data() + (from - at_byte), bytes.data() + (from - bytes_at), to - from);
    }

  private:
    // Goes on to the next record of super block and meta.
    void forward() const {
        const std::uint64_t limit = fingerprint_end(size_bytes());
        do {
            more_ = log_.next_record(next_, record_);
        } while (more_ && record_.at_byte >= limit);
    }

    [[noreturn]] void refuse(std::uint64_t at_byte) const {
        throw io_error({.file = name(), .byte = at_byte}, "cannot write to the past", EROFS);
    }

    const UndoLog& log_;
    const Store& now_;
    bool new_;
    mutable std::uint64_t next_ = 0;
    mutable Record record_;
    mutable bool more_ = false;
};

bool UndoLog::made_for(const Store& image) const {
    const std::uint64_t size = image.size_bytes();
    if (size != header_.old_size_bytes && size != header_.new_size_bytes) return false;
    // What a bad medium made of it during the repair is in the fingerprint after that.
    const bool was_applied = header_.state == LogState::undoing;
    const WholeImage whole(*this, image, was_applied ? Direction::forward : Direction::backward);
    if (image_fingerprint(whole) !=
        (was_applied ? header_.new_fingerprint : header_.old_fingerprint)) {
        return false;
    }
    if (header_.old_sample == 0) return true;
    DataSample sample(header_.old_size_bytes);
    sample.read(image);
    for_each_record([&](const Record& record) {
        for (std::size_t i = 0; i < sample.count(); ++i)
            WholeImage::overlay(record.old_bytes, record.at_byte, sample.at_byte(i),
                                sample.block(i));
    });
    return sample.hash() == header_.old_sample;
}

void UndoLog::verify(const Store& image, Trust trust) const {
    if (trust == Trust::force) return;
    const auto refuse = [&](const std::string& text) {
        throw Error(ErrorKind::refused, {.file = image.name()}, text,
                    "insitu-fsck undo --force writes the old bytes all the same; without the log "
                    "a repair begins anew");
    };
    const bool is_new = header_.state == LogState::applied;
    const bool is_old = header_.state == LogState::undone || header_.state == LogState::planning;
    const std::uint64_t size = image.size_bytes();
    const bool size_fits =
        (size == header_.old_size_bytes && !is_new) || (size == header_.new_size_bytes && !is_old);
    if (!size_fits) {
        refuse(fmt::format("has {} bytes, the undo log {} is for an image of {}", size,
                           medium_->name(),
                           is_new ? header_.new_size_bytes : header_.old_size_bytes));
    }
    const bool cut_off = !is_new && !is_old;  // any mix of old and new bytes
    const std::uint64_t expected = is_new ? header_.new_fingerprint : header_.old_fingerprint;
    if (!cut_off && image_fingerprint(image) != expected) {
        refuse(fmt::format("is not the image of the undo log {}, or was changed since",
                           medium_->name()));
    }
    // What the repair itself puts behind the end of the file has no old bytes.
    const std::uint64_t end = cut_off ? std::min(size, header_.old_size_bytes) : size;
    for_each_record([&](const Record& record) {
        if (record.at_byte >= end) return;
        std::vector<std::byte> actual(
            std::min<std::uint64_t>(record.new_bytes.size(), end - record.at_byte));
        image.read_at(record.at_byte, actual);
        for (std::size_t i = 0; i < actual.size(); ++i) {
            const bool fits = (!is_old && actual[i] == record.new_bytes[i]) ||
                              (!is_new && actual[i] == record.old_bytes[i]);
            if (!fits) refuse(fmt::format("was changed at byte {} since", record.at_byte + i));
        }
    });
}

}  // namespace insitu
