// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "insitu/internal/api.hpp"
#include "insitu/internal/store/write_queue.hpp"
#include "insitu/units.hpp"

namespace insitu {

// Bytes at positions: a file, a block device, memory, or a layer over another store. Reads and
// writes are whole or throw an `io` Error that names the store and the byte. All calls may come
// from several threads at once; concurrent writes to overlapping bytes are the caller's mistake.
class INSITU_API Store {
  public:
    virtual ~Store();
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    // What messages call it.
    const std::string& name() const noexcept { return name_; }

    virtual std::uint64_t size_bytes() const = 0;
    // The size now, if somebody else has changed it; size_bytes() stays what it was when opened.
    virtual std::uint64_t present_size_bytes() const { return size_bytes(); }

    // Reading beyond size_bytes() is an error.
    virtual void read_at(std::uint64_t at_byte, ByteSpan output) const = 0;
    virtual void write_at(std::uint64_t at_byte, ByteView input) = 0;
    // The range reads as zeros afterwards, and takes no space if the store can do that.
    virtual void zero(std::uint64_t at_byte, std::uint64_t length_bytes) = 0;
    // A hint that nobody needs the content of the range any more.
    virtual void discard(std::uint64_t at_byte, std::uint64_t length_bytes);
    // Returns when everything written is on the medium.
    virtual void sync() = 0;
    // A queue for one thread that writes a lot. The default of it writes at once: a write is done
    // when write_at() returns.
    virtual std::unique_ptr<WriteQueue> write_queue();
    // A hint to start bringing what was written to the medium, without waiting for it.
    virtual void start_writeback(std::uint64_t at_byte, std::uint64_t length_bytes);

    // The first byte at or behind `at_byte` that may be non-zero, or size_bytes(); and the first
    // that is known to be in a hole. A store without such knowledge is all data.
    virtual std::uint64_t next_data(std::uint64_t at_byte) const;
    virtual std::uint64_t next_hole(std::uint64_t at_byte) const;
    // Space that it takes on the host, where known.
    virtual std::optional<std::uint64_t> allocated_bytes() const;
    // Space that is free on the host, if a write may need some of it; none if writes never do, or
    // if it is not known.
    virtual std::optional<std::uint64_t> free_bytes() const;
    // Positions, lengths and memory of direct reads and writes are multiples of this.
    virtual std::size_t alignment_bytes() const noexcept;
    // Makes later reads come from the medium instead of a cache, as far as the system allows.
    virtual void drop_cache() const;

  protected:
    explicit Store(std::string name) : name_(std::move(name)) {}

  private:
    std::string name_;
};

}  // namespace insitu
