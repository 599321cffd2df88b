// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "insitu/internal/api.hpp"
#include "insitu/internal/store/unique_fd.hpp"
#include "insitu/store.hpp"

namespace insitu {

// Where a log lies: bytes that grow at their end. Throws `io` Errors.
class INSITU_API LogMedium {
  public:
    virtual ~LogMedium();
    virtual const std::string& name() const noexcept = 0;
    virtual std::uint64_t size_bytes() const = 0;
    virtual void read_at(std::uint64_t at_byte, ByteSpan output) const = 0;
    // May start at, but not behind, the end.
    virtual void write_at(std::uint64_t at_byte, ByteView input) = 0;
    virtual void sync() = 0;
};

// A file; locked while it is open. Opened, or created by the first write: a repair that finds
// nothing to do leaves no file behind. Symbolic links are never followed.
class INSITU_API LogFile final : public LogMedium {
  public:
    enum class Mode {
        create,            // by the first write
        create_directory,  // the same, and its directory, with mode 0700, if that is missing
        open,
        read,
        unnamed,  // `path` is a directory: the log of a copy, which nobody needs later
    };
    LogFile(const std::string& path, Mode mode);
    LogFile(LogFile&& other) noexcept;
    LogFile& operator=(LogFile&& other) noexcept;
    ~LogFile() override;

    // Why an open log is not to be believed without being asked for by name: who owns it, or who
    // may write to it or to its directory, is neither this process's user nor root nor
    // `image_owner`. Empty: it is believed. Throws `io` Errors.
    std::string distrust(std::optional<uid_t> image_owner) const;

    const std::string& name() const noexcept override { return name_; }
    std::uint64_t size_bytes() const override { return size_bytes_; }
    void read_at(std::uint64_t at_byte, ByteSpan output) const override;
    void write_at(std::uint64_t at_byte, ByteView input) override;
    void sync() override;

  private:
    void open();
    void create();
    void check_kind();

    Mode mode_;
    UniqueFd fd_;
    UniqueFd directory_;
    std::string name_;
    std::uint64_t size_bytes_ = 0;
};

// Memory, for dry runs and tests.
class INSITU_API LogMemory final : public LogMedium {
  public:
    const std::string& name() const noexcept override { return name_; }
    std::uint64_t size_bytes() const override { return bytes_.size(); }
    void read_at(std::uint64_t at_byte, ByteSpan output) const override;
    void write_at(std::uint64_t at_byte, ByteView input) override;
    void sync() override {}
    std::vector<std::byte>& bytes() noexcept { return bytes_; }

  private:
    std::string name_ = "log";
    std::vector<std::byte> bytes_;
};

// How far the changes that a log describes have come. The state is written, and synced, before the
// step that it names begins.
enum class LogState : std::uint32_t {
    planning = 1,  // the log is not complete; the image is untouched
    applying = 2,  // the image is being changed from old to new
    applied = 3,   // it is changed
    undoing = 4,   // it is being changed back
    undone = 5,    // it is as it was
};

INSITU_API const char* to_string(LogState state) noexcept;

// Every change of a repair, with the bytes before and after: written and synced before the image
// is touched, so that a repair that ends anywhere can be completed or taken back.
//
// On the medium (little-endian): two headers of 512 bytes, written in turn so that a torn one
// leaves the other (the valid one with the higher number counts)
//     0 magic "insitu-undo-log\n" | 16 u32 version 1 | 20 u32 state | 24 u64 number | 32 u64 size
//     of the image before | 40 u64 after | 48 u64 fingerprint before | 56 u64 after | 64 u64 bytes
//     of records | 72 u64 XXH3-64 of all records | 80 u64 sample of the data before, 0: none |
//     504 u64 XXH3-64 of the header up to here
// and records: u64 position | u64 length | old bytes | new bytes | u64 XXH3-64 of the record.
//
// A file that grows or shrinks has the bytes behind its other end as zeros, new or old.
class INSITU_API UndoLog {
  public:
    // Starts a log for an image, in memory: nothing is written before the first change is. Or
    // reads one; that throws `damaged` Errors for what is no log or fails its checksums.
    static UndoLog create(LogMedium& medium, const Store& image);
    static UndoLog open(LogMedium& medium);
    // Whether a log ends before its first record: it was cut off while it was begun (its headers
    // may be torn), and nothing was changed by it.
    static bool cut_off_early(LogMedium& medium);

    LogState state() const noexcept { return header_.state; }
    std::uint64_t old_size_bytes() const noexcept { return header_.old_size_bytes; }
    std::uint64_t new_size_bytes() const noexcept { return header_.new_size_bytes; }
    bool empty() const noexcept {
        return header_.record_bytes == 0 && header_.old_size_bytes == header_.new_size_bytes;
    }

    // Appends a change (any length). `old_bytes` are what the image holds.
    void add(std::uint64_t at_byte, ByteView old_bytes, ByteView new_bytes);
    void set_new_size(std::uint64_t size_bytes) noexcept { header_.new_size_bytes = size_bytes; }
    std::uint64_t record_bytes() const noexcept { return header_.record_bytes; }

    // Gives a file another length; empty where the image cannot have another.
    using Resize = std::function<void(std::uint64_t size_bytes)>;

    // Brings all records to the medium: the last step that leaves the image alone.
    void seal();
    // Shows what apply() will make of an image: writes it to an overlay, or a copy, of that image.
    void preview(Store& overlay) const { write_image(overlay, Direction::forward); }
    // Makes the image new. The log is sealed. May be called again after it was cut off anywhere.
    void apply(Store& image, const Resize& resize);
    // Makes the image old again.
    void undo(Store& image, const Resize& resize);

    // Whether a log whose work was cut off was made for this image, and for no other of its size:
    // with the old bytes of its records in place, super block, meta and a sample of the data must
    // be what they were (if an undo was cut off: with the new bytes, super block and meta what the
    // repair left). Throws `io` Errors.
    bool made_for(const Store& image) const;

    enum class Trust { verify, force };
    // Throws a `refused` Error where the image is not the one that the log was made for, or was
    // changed since. A log whose work was cut off fits bytes of either state.
    void verify(const Store& image, Trust trust) const;

  private:
    struct Header {
        LogState state = LogState::planning;
        std::uint64_t number = 0;
        std::uint64_t old_size_bytes = 0;
        std::uint64_t new_size_bytes = 0;
        std::uint64_t old_fingerprint = 0;
        std::uint64_t new_fingerprint = 0;
        std::uint64_t record_bytes = 0;
        std::uint64_t record_hash = 0;
        std::uint64_t old_sample = 0;
    };
    struct Record {
        std::uint64_t at_byte = 0;
        std::vector<std::byte> old_bytes;
        std::vector<std::byte> new_bytes;
    };
    enum class Direction { forward, backward };
    class WholeImage;

    explicit UndoLog(LogMedium& medium);
    bool read_header(std::uint64_t slot, Header& header) const;
    void write_header();
    void start();
    void flush();
    void set_state(LogState state);
    // Reads the record at `at` and moves on; false behind the last one.
    bool next_record(std::uint64_t& at, Record& record) const;
    void for_each_record(const std::function<void(const Record&)>& visit) const;
    void write_image(Store& image, Direction direction) const;
    void check_records() const;

    LogMedium* medium_;
    Header header_;
    std::vector<std::byte> pending_;  // records that are not yet on the medium
    std::shared_ptr<void> hash_;      // running hash of all records
};

}  // namespace insitu
