// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cerrno>
#include <string>

#include "insitu/error.hpp"
#include "insitu/store.hpp"

namespace insitu::apps {

// A store that is only read: whoever writes to it gets an `io` Error of EROFS.
class ReadOnlyStore : public Store {
  public:
    void write_at(std::uint64_t at_byte, ByteView) final { refuse_write(at_byte); }
    void zero(std::uint64_t at_byte, std::uint64_t) final { refuse_write(at_byte); }
    void sync() final {}

  protected:
    explicit ReadOnlyStore(std::string name) : Store(std::move(name)) {}

  private:
    [[noreturn]] void refuse_write(std::uint64_t at_byte) const {
        throw io_error({.file = name(), .byte = at_byte}, "cannot write", EROFS);
    }
};

}  // namespace insitu::apps
