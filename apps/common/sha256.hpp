#pragma once

#include <memory>
#include <string>

#include "insitu/engine/control.hpp"
#include "insitu/units.hpp"

struct evp_md_ctx_st;

namespace insitu::apps {

// SHA-256 of a stream of bytes. Not thread-safe.
class Sha256 {
  public:
    Sha256();
    void add(ByteView bytes);
    // Zeros must be hashed like any other byte; a requested stop throws a `cancelled` Error.
    void add_zeros(std::uint64_t count, const StopFlag* stop);
    // 64 hex digits. Ends the computation.
    std::string hex_digits();

  private:
    struct Free {
        void operator()(evp_md_ctx_st* context) const noexcept;
    };
    std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace insitu::apps
