// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "insitu/internal/api.hpp"
#include "insitu/internal/engine/control.hpp"
#include "insitu/internal/fsck/manifest.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/internal/ops/content_sink.hpp"

// What a manifest (insitu-manifest(5)) has of an image, as values: made, and compared.
namespace insitu {

// Hashes what an image holds: a row for each extent, in rising order, from one thread at a time; a
// row ends at the border of a window. Blocks without a row are zeros. If `take` throws, the work
// ends with that. Decodes everything. Throws `damaged` Errors for extents that cannot be read, `io`
// and `cancelled` ones, and `refused` for a pending intent unless it is to be ignored. Memory:
// 1.5 MiB a thread.
INSITU_API void hash_contents(const Image& image, PendingCheck pending,
                              const std::function<void(const ManifestExtent&)>& take,
                              const Control& control);

// Compares content with such rows as it passes by, however it is cut into extents. Memory does not
// depend on the rows, which outlive it. For one thread at a time.
class INSITU_API ContentCompare final : public ContentSink {
  public:
    // Blocks that are not what they should be: those of a row, or a block that should be zeros.
    struct Difference {
        BlockIndex first;
        std::uint64_t blocks = 0;
    };
    using Differs = std::function<void(const Difference&)>;

    // Rows rise and do not overlap; they end before `logical_bytes`. `stop` may be null. What
    // `differs` throws ends the operation that passes the content.
    ContentCompare(std::span<const ManifestExtent> rows, std::uint64_t logical_bytes,
                   Manifest::Others others, const StopFlag* stop, Differs differs);
    ~ContentCompare() override;
    ContentCompare(const ContentCompare&) = delete;
    ContentCompare& operator=(const ContentCompare&) = delete;

    void window(const ContentWindow& window) override;
    // To be called once, after the last window. Throws a `cancelled` Error.
    void finish();

  private:
    void pass_zeros_until(std::uint64_t end_byte);
    void pass(ByteView bytes);
    void pass_one(ByteView bytes);

    std::span<const ManifestExtent> rows_;
    std::uint64_t logical_bytes_;
    Manifest::Others others_;
    const StopFlag* stop_;
    Differs differs_;
    struct Hash;
    std::unique_ptr<Hash> hash_;  // of the row at work
    std::uint64_t at_byte_ = 0;
    std::size_t next_row_ = 0;
};

}  // namespace insitu
