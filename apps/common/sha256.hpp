// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <memory>
#include <string>

#include "insitu/internal/engine/control.hpp"
#include "insitu/units.hpp"

struct evp_md_ctx_st;

namespace insitu::apps {

// SHA-256 of a stream of bytes. Not thread-safe.
class Sha256 {
  public:
    using Digest = std::array<std::byte, 32>;

    Sha256();
    void add(ByteView bytes);
    // Zeros must be hashed like any other byte; a requested stop throws a `cancelled` Error.
    void add_zeros(std::uint64_t count, const StopFlag* stop);
    // Both end the computation.
    Digest digest();
    std::string hex_digits();  // 64 of them

  private:
    struct Free {
        void operator()(evp_md_ctx_st* context) const noexcept;
    };
    std::unique_ptr<evp_md_ctx_st, Free> context_;
};

std::string to_hex(const Sha256::Digest& digest);

}  // namespace insitu::apps
