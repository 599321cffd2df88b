// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/check.hpp"

#include <fmt/format.h>

#include <memory>
#include <mutex>

#include "engine/for_each.hpp"
#include "fsck/lost_payloads.hpp"
#include "fsck/super_check.hpp"
#include "fsck/window_check.hpp"
#include "image/window_batches.hpp"
#include "insitu/internal/journal/recovery.hpp"

namespace insitu {

namespace {

// Sums that outlive the workers.
class Sums {
  public:
    explicit Sums(CheckResult& result) : result_(result) {}

    void add(const WindowChecker& checker) {
        const std::lock_guard guard(mutex_);
        result_.extents += checker.totals();
        result_.walked_extents += checker.walked_extents();
        result_.confirmed_blocks += checker.confirmed_blocks();
        result_.contradicted_blocks += checker.contradicted_blocks();
    }

  private:
    std::mutex mutex_;
    CheckResult& result_;
};

// One worker: a checker and the findings of its batch. Adds to the sums when it ends.
class CheckWorker {
  public:
    CheckWorker(const Image& image, const CheckOptions& options, Sums& sums)
        : checker_(image, options), sums_(sums) {}
    ~CheckWorker() { sums_.add(checker_); }
    CheckWorker(const CheckWorker&) = delete;
    CheckWorker& operator=(const CheckWorker&) = delete;

    void check(const WindowBatch& batch) {
        findings_.clear();
        for (std::uint64_t i = 0; i < batch.count; ++i)
            checker_.check(batch.first + i, findings_);
    }
    const std::vector<Finding>& findings() const noexcept { return findings_; }
    WindowChecker& checker() noexcept { return checker_; }

  private:
    WindowChecker checker_;
    Sums& sums_;
    std::vector<Finding> findings_;
};

void tell(const Finding& finding, CheckResult& result, FindingSink& sink) {
    result.counts.add(finding);
    sink.found(finding);
}

void check_windows(const Image& image, const CheckOptions& options, CheckResult& result,
                   FindingSink& sink, const Control& control) {
    // Without payloads a window is a matter of nanoseconds.
    constexpr std::uint64_t meta_batch_windows = 512;
    const bool meta_only = options.depth == CheckOptions::Depth::meta;
    MappedBatches mapped(image, {0}, {image.geometry().window_count()},
                         meta_only ? meta_batch_windows : batch_windows);
    AllBatches all(image);
    std::optional<WindowIndex> first_wide;
    Sums sums(result);
    const auto take = [&](WindowBatch& batch) {
        // Content that a manifest names may be missing altogether.
        return options.manifest != nullptr ? all.take(batch) : mapped.take(batch);
    };
    const auto report = [&](CheckWorker& worker, WindowBatch& batch) {
        for (const Finding& finding : worker.findings())
            tell(finding, result, sink);
        const std::uint64_t wide = worker.checker().take_wide_extents();
        if (wide != 0 && !first_wide) first_wide = batch.first;
        result.wide_extents += wide;
        control.advance((batch.skipped + batch.count) * window_bytes);
    };
    for_each_in_order<WindowBatch>(control, take, [&] {
        return OrderedWorker{std::make_unique<CheckWorker>(image, options, sums),
                             [](CheckWorker& worker, WindowBatch& batch) { worker.check(batch); },
                             report};
    });
    if (result.wide_extents == 0) return;
    Finding finding = Finding::make(
        FindingId::p07, fmt::format("{} of {} walked streams point back more than 2 KiB",
                                    result.wide_extents, result.walked_extents));
    finding.window = first_wide;
    finding.block = first_block_of(*first_wide);
    finding.at_byte = image.geometry().block_at_byte(finding.block);
    tell(finding, result, sink);
}

// Holes that take space on the host, as far as the host tells.
void check_holes(const Image& image, CheckResult& result, FindingSink& sink) {
    const auto allocated = image.store().allocated_bytes();
    if (!allocated) return;
    const std::uint64_t needed =
        image.geometry().data_at_byte() + result.extents.host_blocks * block_bytes;
    // What file systems allocate beyond the data itself is not worth a word.
    const std::uint64_t slack = needed / 16 + 16 * block_bytes;
    if (*allocated <= needed + slack) return;
    tell(Finding::make(FindingId::h01,
                       fmt::format("{} bytes are allocated, {} are needed", *allocated, needed)),
         result, sink);
}

}  // namespace

CheckResult check(const Store& store, const CheckOptions& options, FindingSink& sink,
                  const Control& control) {
    require_settled(store, options.pending);
    CheckResult result;
    const SuperVerdict verdict = judge_super(store);
    for (const Finding& finding : verdict.findings)
        tell(finding, result, sink);
    result.super = verdict.usable;
    if (!verdict.usable) return result;
    const Image image(store, *verdict.usable);
    require_manifest_of(image, options);
    control.begin(image.geometry().logical_bytes());
    check_windows(image, options, result, sink, control);
    if (options.depth == CheckOptions::Depth::payloads) {
        if (const auto lost = find_lost_payloads(image, options, control)) {
            tell(*lost, result, sink);
        }
        check_holes(image, result, sink);
    }
    return result;
}

}  // namespace insitu
