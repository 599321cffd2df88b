// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>

#include "common/content_tree.hpp"
#include "common/map_sum.hpp"
#include "common/sha256.hpp"
#include "insitu/internal/format/geometry.hpp"
#include "insitu/internal/format/identity.hpp"
#include "insitu/internal/format/super_block.hpp"
#include "insitu/internal/ops/content_sink.hpp"
#include "insitu/internal/store/output_file.hpp"

namespace insitu::apps {

// Whether a manifest has the SHA-256 of the raw content, for which each zero has to be hashed:
// unless asked for only while there are few.
enum class RawSum { automatic, always };

// Writes a manifest while its image is packed: extents as they come, the hashes at the end, so
// memory does not depend on the device. The new manifest and the new image appear together: it is
// finished, put in its place, and taken back if the image does not follow.
class ManifestWriter final : public ContentSink {
  public:
    // `stop` ends the hashing of long runs of zeros; may be null.
    ManifestWriter(const std::string& path, RawSum raw_sum, const StopFlag* stop);
    // Puts back what was there if the image has not followed.
    ~ManifestWriter() override;
    ManifestWriter(const ManifestWriter&) = delete;
    ManifestWriter& operator=(const ManifestWriter&) = delete;

    void window(const ContentWindow& window) override;

    // Writes what is known once the source has ended, and gives the file its name.
    void publish(const Geometry& geometry, Algorithm algorithm, std::uint64_t raw_bytes,
                 const Uuid& uuid);
    // The image has its name, too.
    void keep() noexcept;

  private:
    void put(const std::string& text);
    void flush();
    void add_raw_zeros(std::uint64_t until_byte);
    void set_aside();

    std::string path_;
    std::string aside_;  // another name of the manifest that was there; empty: none was
    bool published_ = false;
    OutputFile file_;
    RawSum raw_sum_;
    const StopFlag* stop_;
    std::optional<Sha256> sha256_;  // none: there are too many zeros
    ContentTree tree_;
    MapSum map_sum_;
    std::uint64_t hashed_bytes_ = 0;
    std::uint64_t skipped_bytes_ = 0;
    std::uint64_t written_bytes_ = 0;
    std::string pending_;
    bool first_ = true;
};

}  // namespace insitu::apps
