// SPDX-License-Identifier: GPL-2.0-or-later
#include "fsck/window_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "insitu/error.hpp"
#include "insitu/internal/units/counted.hpp"

namespace insitu {

namespace {

// Reading a hole of this size from memory takes about as long as another system call.
constexpr std::uint64_t joined_gap_bytes = 8192;

// Small images are walked whole, of large ones one window in 64.
constexpr std::uint64_t walked_windows = 64;
constexpr std::uint64_t walked_one_in = 64;

FindingId id_of(ExtentFault fault) noexcept {
    switch (fault) {
        case ExtentFault::bad_share:
            return FindingId::m01;
        case ExtentFault::unpacked_shares:
            return FindingId::m03;
        case ExtentFault::empty_head:
            return FindingId::m04;
        case ExtentFault::none:
        case ExtentFault::no_head:
        case ExtentFault::too_long:
            break;
    }
    return FindingId::m02;
}

// "shares 8 8 15 0", as the meta has them.
std::string shares_text(const WindowMap& map, const Extent& extent) {
    std::string text = "shares";
    for (unsigned i = 0; i < extent.blocks; ++i)
        text += fmt::format(" {}", map.share(extent.first + i));
    return text;
}

}  // namespace

void require_manifest_of(const Image& image, const CheckOptions& options) {
    if (options.manifest == nullptr) return;
    const std::uint64_t bytes = image.geometry().logical_bytes();
    if (options.manifest->logical_bytes() == bytes) return;
    throw Error(ErrorKind::refused, {.file = image.store().name()},
                fmt::format("has {} logical bytes, {} is for {}", bytes, options.manifest->name(),
                            options.manifest->logical_bytes()),
                "is it the manifest of another image?");
}

WindowChecker::WindowChecker(const Image& image, const CheckOptions& options)
    : image_(image),
      options_(options),
      cursor_(image),
      reader_(image),
      decoder_(image.algorithm()),
      finder_(image.algorithm()),
      payload_(window_bytes),
      content_(window_bytes) {
    // Content is compared with a manifest as the driver reads it.
    reader_.set_seal_check(SealCheck::ignore);
}

std::uint64_t WindowChecker::at_byte(const Extent& extent) const {
    return image_.geometry().block_at_byte(first_block_of(window_) + extent.first);
}

StoredExtent WindowChecker::stored(const Extent& extent) const {
    return {first_block_of(window_) + extent.first, extent.blocks, extent.payload_sectors};
}

bool WindowChecker::damaged() const noexcept {
    return std::any_of(extents().begin(), extents().end(),
                       [](const JudgedExtent& extent) { return extent.damaged(); });
}

Finding& WindowChecker::report(FindingId id, const StoredExtent& extent, std::string detail) {
    Finding finding = Finding::make(id, std::move(detail));
    finding.window = window_;
    finding.block = extent.first;
    finding.blocks = extent.blocks;
    finding.at_byte = image_.geometry().block_at_byte(extent.first);
    return findings_->emplace_back(std::move(finding));
}

void WindowChecker::judge_meta(const StoredExtent& extent) {
    const BlockIndex window_first = first_block_of(window_);
    const Extent local{static_cast<unsigned>(extent.first.value - window_first.value),
                       extent.blocks, extent.payload_sectors};
    JudgedExtent& judged = extents_[count_++];
    judged = {local, Judgement::broken_meta};
    if (extent.fault == ExtentFault::none) {
        judged.judgement = local.unmapped() ? Judgement::unmapped
                           : local.raw()    ? Judgement::raw
                                            : Judgement::compressed;
        return;
    }
    const FindingId id = id_of(extent.fault);
    Finding& finding = report(
        id, extent, id == FindingId::m02 ? describe(extent.fault) : shares_text(map_, local));
    finding.at_byte = image_.geometry().entry_at_byte(extent.first);
    if (extent.fault == ExtentFault::too_long) finding.effect = KernelEffect::endless_loop;
    const bool shares_wrong = id == FindingId::m01 || id == FindingId::m03 || id == FindingId::m04;
    if (shares_wrong && options_.depth == CheckOptions::Depth::payloads) {
        finding.effect = effect_of_shares(extent, finding.effect);
    }
}

// Decodes an extent over a border, also where the meta alone is checked: they are rare, and whether
// it is damage depends on it. Windows side by side ask for the same one.
bool WindowChecker::crossing_readable(const StoredExtent& extent) {
    if (extent.fault != ExtentFault::none || extent.payload_sectors == 0) return false;
    const bool known = last_crossing_ && last_crossing_->first == extent.first &&
                       last_crossing_->blocks == extent.blocks;
    if (!known) {
        AlignedBuffer content(extent.blocks * block_bytes);
        last_crossing_readable_ = !reader_.read_extent(extent, content.span());
        last_crossing_ = extent;
    }
    return last_crossing_readable_;
}

void WindowChecker::judge_crossing(const StoredExtent& extent) {
    const BlockIndex window_first = first_block_of(window_);
    const BlockIndex window_end = window_first + map_.blocks();
    const bool starts_here = extent.first >= window_first;
    if (crossing_readable(extent)) {
        const BlockIndex first = std::max(extent.first, window_first);
        const BlockIndex end = std::min(extent.end(), window_end);
        extents_[count_++] = {{static_cast<unsigned>(first.value - window_first.value),
                               static_cast<unsigned>(end.value - first.value), 0},
                              Judgement::crossing};
        if (!starts_here) return;
        crossing_ = extent;
        totals_.add(extent.blocks, extent.payload_sectors);
        report(FindingId::m05, extent,
               fmt::format("{} that cross the border of their window; the target reads "
                           "them, its locking does not cover them",
                           counted(extent.blocks, "block")));
        return;
    }
    if (starts_here) {
        // The extent as far as its own window goes: what follows is the next window's fault.
        const auto head = static_cast<unsigned>(extent.first.value - window_first.value);
        const Extent cut = map_.extent_at(head);
        StoredExtent part = stored(cut);
        part.fault = fault_of(map_, cut);
        if (part.fault == ExtentFault::none && !part.unmapped()) {
            report(FindingId::m02, part, "goes on in the next window, and does not decode so")
                .effect = KernelEffect::eio;
        }
        return judge_meta(part);
    }
    const unsigned tails = map_.leading_tails();
    extents_[count_++] = {{0, tails, 0}, Judgement::broken_meta};
    // An unmapped head before the border reads no better: its own window has nothing to tell of it.
    const bool empty_head = extent.first + 1 == window_first &&
                            cursor_.map(window_of(extent.first)).share(window_blocks - 1) == 0;
    const unsigned before = empty_head ? 1 : 0;
    Finding& finding = report(FindingId::m02, {{window_first.value - before}, tails + before, 0},
                              fmt::format("{} that {} no readable extent", counted(tails, "tail"),
                                          tails == 1 ? "continues" : "continue"));
    finding.at_byte = image_.geometry().window_meta_at_byte(window_);
    finding.effect = KernelEffect::wrong_data;
}

void WindowChecker::check(WindowIndex window, std::vector<Finding>& findings) {
    window_ = window;
    findings_ = &findings;
    count_ = 0;
    crossing_.reset();
    map_ = cursor_.map(window);
    if (options_.depth == CheckOptions::Depth::meta && map_.sound() &&
        !cursor_.starts_with_tail(window + 1)) {
        return;  // nothing to tell of it: the case of nearly all windows
    }
    const BlockIndex first = first_block_of(window);
    const BlockIndex end = first + map_.blocks();
    for (const StoredExtent& extent : cursor_.extents_touching(window)) {
        if (extent.first < first || extent.end() > end) {
            judge_crossing(extent);
        } else {
            judge_meta(extent);
        }
    }
    if (options_.depth == CheckOptions::Depth::payloads) {
        judge_payloads();
        judge_raw_beside_damage();
    }
    for (const JudgedExtent& judged : extents()) {
        const bool sound = judged.judgement == Judgement::compressed ||
                           judged.judgement == Judgement::raw ||
                           judged.judgement == Judgement::suspect_raw;
        if (sound) totals_.add(judged.extent.blocks, judged.extent.payload_sectors);
    }
    if (options_.manifest != nullptr && options_.depth == CheckOptions::Depth::payloads) {
        compare_with_manifest();
    }
}

// The mapped extents from `from` on whose payloads are near each other; `end_byte` becomes the end
// of the last payload.
std::size_t WindowChecker::run_of(std::size_t from, std::uint64_t& end_byte) const {
    const auto payload_end = [&](const Extent& extent) {
        return at_byte(extent) + extent.payload_sectors * sector_bytes;
    };
    end_byte = payload_end(extents_[from].extent);
    std::size_t last = from;
    for (std::size_t i = from + 1; i < count_; ++i) {
        const JudgedExtent& next = extents_[i];
        if (next.judgement == Judgement::unmapped) continue;
        if (next.judgement != Judgement::compressed && next.judgement != Judgement::raw) break;
        if (at_byte(next.extent) - end_byte > joined_gap_bytes) break;
        end_byte = payload_end(next.extent);
        last = i;
    }
    return last + 1;
}

void WindowChecker::judge_payloads() {
    const auto has_payload = [](const JudgedExtent& judged) {
        return judged.judgement == Judgement::compressed || judged.judgement == Judgement::raw;
    };
    for (std::size_t i = 0; i < count_;) {
        if (!has_payload(extents_[i])) {
            ++i;
            continue;
        }
        std::uint64_t end_byte = 0;
        const std::size_t end = run_of(i, end_byte);
        const std::uint64_t start_byte = at_byte(extents_[i].extent);
        bool whole = true;
        try {
            image_.store().read_at(start_byte, payload_.first(end_byte - start_byte));
        } catch (const Error&) {
            whole = false;
        }
        for (; i < end; ++i) {
            JudgedExtent& judged = extents_[i];
            if (!has_payload(judged)) continue;
            if (!whole) {
                judge_one(judged);
                continue;
            }
            const ByteView payload = payload_.view().subspan(
                at_byte(judged.extent) - start_byte, judged.extent.payload_sectors * sector_bytes);
            judge_payload(judged, payload);
        }
    }
}

// Reads a payload by itself, where those around it cannot be read.
void WindowChecker::judge_one(JudgedExtent& judged) {
    const ByteSpan payload = payload_.first(judged.extent.payload_sectors * sector_bytes);
    try {
        image_.store().read_at(at_byte(judged.extent), payload);
    } catch (const Error& error) {
        judged.judgement = Judgement::unreadable;
        report(FindingId::p06, stored(judged.extent),
               fmt::format("payload of {} bytes cannot be read: {}", payload.size(),
                           error.kind() == ErrorKind::io ? std::strerror(error.os_error())
                                                         : "the file ends before"));
        return;
    }
    judge_payload(judged, payload);
}

void WindowChecker::judge_payload(JudgedExtent& judged, ByteView payload) {
    if (judged.judgement == Judgement::raw) {
        judge_raw(judged, payload);
    } else {
        judge_compressed(judged, payload);
    }
}

void WindowChecker::judge_fault(JudgedExtent& judged, ByteView payload, const PayloadFault& fault) {
    using Kind = PayloadFault::Kind;
    if (fault.kind == Kind::length) return judge_length(judged, payload);
    const Extent& extent = judged.extent;
    if (fault.kind == Kind::unsealed) {
        judged.judgement = Judgement::unsealed;
        report(FindingId::p08, stored(extent), fault.text());
        return;
    }
    const DriverView view = driver_view(image_.algorithm(), decoder_.decoder(), payload,
                                        content_.first(fault.expected_bytes));
    if (view.reads_right) return judge_length(judged, payload);
    judged.judgement = Judgement::broken;
    const bool at_end = extent.first + extent.blocks == map_.blocks() &&
                        window_.value + 1 == image_.geometry().window_count();
    const bool is_cut = fault.kind == Kind::too_much && at_end;
    Finding& finding =
        report(is_cut ? FindingId::m06 : FindingId::p02, stored(extent), fault.text());
    if (fault.kind == Kind::too_little) finding.effect = view.effect;
}

void WindowChecker::judge_compressed(JudgedExtent& judged, ByteView payload) {
    const Extent& extent = judged.extent;
    const std::uint64_t expected = extent.blocks * block_bytes;
    const ByteSpan content = content_.first(expected);
    const std::uint32_t length = unsafe_stream_length(payload);
    if (const auto fault =
            decoder_.decode(first_block_of(window_) + extent.first, payload, content)) {
        return judge_fault(judged, payload, *fault);
    }
    if (!stream_fits(length, extent.payload_sectors)) {
        Finding& finding =
            report(FindingId::p01, stored(extent),
                   fmt::format("payload of {} sectors for a stream of {} bytes, expected {}",
                               extent.payload_sectors, length, payload_sectors_for(length)));
        finding.severity = Severity::warning;
        finding.effect = KernelEffect::none;
    }
    const bool walked = options_.distances == CheckOptions::Distances::all ||
                        window_.value < walked_windows || window_.value % walked_one_in == 0;
    if (image_.algorithm() != Algorithm::deflate || !walked) return;
    ++walked_extents_;
    if (walker_.over_2_kib(payload.first(length))) ++wide_extents_;
}

void WindowChecker::judge_raw(JudgedExtent& judged, ByteView payload) {
    const auto& candidates = finder_.find(window_, payload, judged.extent.first, 0);
    if (!candidates.empty()) suspect(judged, candidates.front());
}

// A payload may start in a raw extent and go on behind it, where the meta was torn. Beside damage
// that is worth another look.
void WindowChecker::judge_raw_beside_damage() {
    const auto is_raw = [](const JudgedExtent& judged) {
        return judged.judgement == Judgement::raw;
    };
    if (!damaged() || std::none_of(extents().begin(), extents().end(), is_raw)) return;
    const ByteSpan content = payload_.first(map_.blocks() * block_bytes);
    try {
        image_.store().read_at(image_.geometry().block_at_byte(first_block_of(window_)), content);
    } catch (const Error&) {
        return;
    }
    for (const Candidate& candidate : finder_.find(window_, content, 0, 0)) {
        for (std::size_t i = 0; i < count_; ++i) {
            const Extent& extent = extents_[i].extent;
            const unsigned start = candidate.extent.first;
            if (!is_raw(extents_[i]) || start < extent.first) continue;
            if (start < extent.first + extent.blocks) suspect(extents_[i], candidate);
        }
    }
}

void WindowChecker::suspect(JudgedExtent& judged, const Candidate& first) {
    judged.judgement = Judgement::suspect_raw;
    report(FindingId::p04, stored(judged.extent),
           fmt::format("at block {} stands a payload of {} that gives {}: {}",
                       first_block_of(window_).value + first.extent.first,
                       counted(first.extent.payload_sectors, "sector"),
                       counted(first.extent.blocks, "block"),
                       first.seal == SealState::right
                           ? "it is sealed for this place, so the meta is stale"
                           : "stale meta, or an image inside the image"));
}

}  // namespace insitu
