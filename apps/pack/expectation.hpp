// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/content_tree.hpp"
#include "common/sha256.hpp"
#include "insitu/internal/ops/content_sink.hpp"
#include "insitu/internal/ops/source.hpp"

namespace insitu::apps {

// What the user knows of the source beforehand. A source that proves to be something else is no
// success: the target does not get its name, a device no super block.
struct Expectation {
    std::optional<std::uint64_t> size_bytes;
    std::string sha256;       // hex digits of the raw content; empty: not known
    std::string tree_sha256;  // the same of the tree over it (insitu-manifest(5))

    bool needs_content() const noexcept { return !sha256.empty() || !tree_sha256.empty(); }
    // What a manifest that was made before says of the source. Throws `io` and `refused` Errors.
    void add_manifest(const std::string& path);
};

// A source whose content is compared with what was expected, after its last batch and before the
// image gets its super block. Also a sink, since only the one who packs sees the content in order.
class ExpectedSource final : public Source, public ContentSink {
  public:
    // `source` outlives this. `next`, if set, is given the content as well. `stop` ends the hashing
    // of long runs of zeros. Throws a `refused` Error if the size is known and is another one.
    ExpectedSource(Source& source, Expectation expected, ContentSink* next, const StopFlag* stop);

    const std::string& name() const noexcept override { return source_.name(); }
    std::optional<std::uint64_t> size_bytes() const override { return source_.size_bytes(); }
    std::optional<WindowIndex> next_window() override { return source_.next_window(); }
    bool take(SourceBatch& batch, ByteSpan buffer, WindowIndex limit) override;
    void fill(const SourceBatch& batch, ByteSpan buffer) override { source_.fill(batch, buffer); }
    // Throws a `refused` Error if size or sum differ.
    void check_unchanged() const override;

    void window(const ContentWindow& window) override;

  private:
    void check_size(std::uint64_t size_bytes) const;
    void check_sum(const char* name, const std::string& found, const std::string& wanted) const;

    Source& source_;
    Expectation expected_;
    ContentSink* next_;
    const StopFlag* stop_;
    std::unique_ptr<Sha256> sha256_;  // if a sum is expected
    std::unique_ptr<ContentTree> tree_;
    std::uint64_t hashed_bytes_ = 0;
    std::uint64_t end_byte_ = 0;  // of the last batch
};

}  // namespace insitu::apps
