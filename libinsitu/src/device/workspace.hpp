// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <mutex>
#include <new>
#include <vector>

#include "insitu/internal/store/aligned_buffer.hpp"
#include "insitu/internal/window/extent_encoder.hpp"
#include "insitu/internal/window/payload_decoder.hpp"

namespace insitu {

// What a request needs of codecs and memory.
struct Workspace {
    Workspace(const EncoderOptions& options, Seals seals, SealCheck check)
        : encoder(options, seals), decoder(options.algorithm) {
        decoder.set_seal_check(check);
    }

    ExtentEncoder encoder;
    PayloadDecoder decoder;
    AlignedBuffer payload{window_bytes};
    AlignedBuffer content{window_bytes};
};

// Lends workspaces: as many as there are requests at a time.
class Workspaces {
  public:
    Workspaces(const EncoderOptions& options, Seals seals, SealCheck check)
        : options_(options), seals_(seals), seal_check_(check) {}

    class Loan {
      public:
        explicit Loan(Workspaces& owner) : owner_(owner), workspace_(owner.take()) {}
        ~Loan() { owner_.give(std::move(workspace_)); }
        Loan(const Loan&) = delete;
        Loan& operator=(const Loan&) = delete;
        Workspace& operator*() noexcept { return *workspace_; }

      private:
        Workspaces& owner_;
        std::unique_ptr<Workspace> workspace_;
    };

  private:
    std::unique_ptr<Workspace> take() {
        {
            const std::lock_guard lock(mutex_);
            if (!idle_.empty()) {
                auto workspace = std::move(idle_.back());
                idle_.pop_back();
                return workspace;
            }
        }
        return std::make_unique<Workspace>(options_, seals_, seal_check_);
    }
    void give(std::unique_ptr<Workspace> workspace) noexcept {
        const std::lock_guard lock(mutex_);
        try {
            idle_.push_back(std::move(workspace));
        } catch (const std::bad_alloc&) {
            // It goes back to the system.
        }
    }

    EncoderOptions options_;
    Seals seals_;
    SealCheck seal_check_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Workspace>> idle_;
};

}  // namespace insitu
