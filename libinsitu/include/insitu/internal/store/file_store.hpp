// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "insitu/internal/store/unique_fd.hpp"
#include "insitu/store.hpp"

namespace insitu {

// A regular file through the page cache. Its size is what it was when opened, or what resize()
// made of it.
class INSITU_API FileStore final : public Store {
  public:
    // Takes an open descriptor of a regular file. Throws an `io` Error.
    FileStore(UniqueFd fd, std::string name);

    std::uint64_t size_bytes() const override { return size_bytes_; }
    std::uint64_t present_size_bytes() const override;
    void read_at(std::uint64_t at_byte, ByteSpan output) const override;
    void write_at(std::uint64_t at_byte, ByteView input) override;
    void zero(std::uint64_t at_byte, std::uint64_t length_bytes) override;
    void discard(std::uint64_t at_byte, std::uint64_t length_bytes) override;
    void sync() override;
    void start_writeback(std::uint64_t at_byte, std::uint64_t length_bytes) override;
    std::uint64_t next_data(std::uint64_t at_byte) const override;
    std::uint64_t next_hole(std::uint64_t at_byte) const override;
    std::optional<std::uint64_t> allocated_bytes() const override;
    std::optional<std::uint64_t> free_bytes() const override;
    void drop_cache() const override;

    // Truncates or extends (with a hole). Not thread-safe.
    void resize(std::uint64_t size_bytes);
    int fd() const noexcept { return fd_.get(); }

  private:
    bool punch(std::uint64_t at_byte, std::uint64_t length_bytes);

    UniqueFd fd_;
    mutable UniqueFd direct_;  // open since drop_cache(), where the file system has direct reads
    std::uint64_t size_bytes_ = 0;
};

}  // namespace insitu
