#pragma once

#include <memory>
#include <string>

#include "common/sha256.hpp"
#include "insitu/format/geometry.hpp"
#include "insitu/format/super_block.hpp"
#include "insitu/ops/content_sink.hpp"
#include "insitu/store/output_file.hpp"

namespace insitu::apps {

// Writes a manifest while its image is packed: extents as they come, the SHA-256 at the end, so
// memory does not depend on the device. The file appears under its name at commit().
class ManifestWriter final : public ContentSink {
  public:
    // `stop` ends the hashing of long runs of zeros; may be null.
    ManifestWriter(const std::string& path, const StopFlag* stop);

    void window(const ContentWindow& window) override;

    // What is known once the source has ended.
    void commit(const Geometry& geometry, Algorithm algorithm, std::uint64_t raw_bytes);

  private:
    void put(const std::string& text);
    void flush();

    OutputFile file_;
    const StopFlag* stop_;
    Sha256 sha256_;
    std::uint64_t hashed_bytes_ = 0;
    std::uint64_t written_bytes_ = 0;
    std::string pending_;
    bool first_ = true;
};

}  // namespace insitu::apps
