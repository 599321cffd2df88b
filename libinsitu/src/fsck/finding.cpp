// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/finding.hpp"

#include <algorithm>

namespace insitu {

FindingSink::~FindingSink() = default;

void FindingSink::planned(const PlannedAction&) {}

namespace {

using enum FindingId;

constexpr std::array<FindingKind, finding_id_count> table{{
    {s01, "S01", Severity::error, KernelEffect::refuses, "magic is wrong, the rest is plausible",
     "-y writes it"},
    {s02, "S02", Severity::error, KernelEffect::refuses, "version is unknown",
     "none: not ours to change"},
    {s03, "S03", Severity::error, KernelEffect::refuses,
     "counts differ from those of the device's size",
     "--resize-file gives the file the size that the counts name"},
    {s04, "S04", Severity::error, KernelEffect::crashes, "comp_alg is wrong",
     "-y decides by decoding payloads with both codecs"},
    {s05, "S05", Severity::error, KernelEffect::refuses, "super block is lost",
     "--rebuild-super makes it from the size and the payloads"},
    {s06, "S06", Severity::error, KernelEffect::refuses,
     "counts of a size that the driver cannot use",
     "--resize-file goes to the nearest usable size where no data is lost"},
    {m01, "M01", Severity::error, KernelEffect::eio, "share over 8 sectors",
     "-y searches the window"},
    {m02, "M02", Severity::error, KernelEffect::out_of_bounds, "window starts with a tail",
     "-y searches the window"},
    {m03, "M03", Severity::error, KernelEffect::eio, "shares are not packed from the front",
     "-y searches the window"},
    {m04, "M04", Severity::error, KernelEffect::reads_zeros, "tails behind a head without payload",
     "-y searches the window"},
    {m05, "M05", Severity::warning, KernelEffect::none, "extent over a window border",
     "-y writes it again as proper extents"},
    {m06, "M06", Severity::error, KernelEffect::eio, "extent is cut at the end of the device",
     "-y writes again what is inside"},
    {m07, "M07", Severity::warning, KernelEffect::reads_zeros, "payloads in unmapped blocks",
     "--punch frees them for good; if meta was lost, --rebuild-meta --dry-run shows what they "
     "give"},
    {p01, "P01", Severity::error, KernelEffect::eio, "payload length does not fit",
     "-y searches the window"},
    {p02, "P02", Severity::error, KernelEffect::eio, "stream does not decode to its extent",
     "-y searches the window, --salvage keeps what decodes"},
    {p03, "P03", Severity::warning, KernelEffect::none, "compressed where nothing is saved",
     "cannot occur (docs/fsck.md)"},
    {p04, "P04", Severity::warning, KernelEffect::none,
     "raw extent that is a perfect compressed payload",
     "a manifest or --trust-payloads takes it for one"},
    {p05, "P05", Severity::error, KernelEffect::wrong_data, "content differs from the manifest",
     "-y accepts what the manifest proves"},
    {p06, "P06", Severity::error, KernelEffect::eio, "unreadable sectors", "none: reported"},
    {p07, "P07", Severity::note, KernelEffect::none, "deflate distances over 2 KiB",
     "pack again: fine for the driver, not for ports to Linux 6.15 and later"},
    {p08, "P08", Severity::error, KernelEffect::wrong_data, "content differs from its seal",
     "-y looks for what a seal proves, --seal-all believes the content"},
    {h01, "H01", Severity::note, KernelEffect::none, "holes take space", "--punch frees them"},
}};

constexpr bool in_order() {
    for (std::size_t i = 0; i < table.size(); ++i) {
        if (static_cast<std::size_t>(table[i].id) != i) return false;
    }
    return true;
}
static_assert(in_order(), "the table is indexed by the id");

}  // namespace

const char* to_string(Severity severity) noexcept {
    switch (severity) {
        case Severity::note:
            return "note";
        case Severity::warning:
            return "warning";
        case Severity::error:
            return "error";
    }
    return "error";
}

const char* to_string(KernelEffect effect) noexcept {
    switch (effect) {
        case KernelEffect::none:
            return "none";
        case KernelEffect::refuses:
            return "refuses the device";
        case KernelEffect::eio:
            return "EIO";
        case KernelEffect::reads_zeros:
            return "reads as zeros";
        case KernelEffect::wrong_data:
            return "wrong data";
        case KernelEffect::kernel_memory:
            return "kernel memory";
        case KernelEffect::endless_loop:
            return "endless loop";
        case KernelEffect::out_of_bounds:
            return "out-of-bounds access";
        case KernelEffect::crashes:
            return "crashes";
    }
    return "none";
}

bool is_unsafe(KernelEffect effect) noexcept {
    switch (effect) {
        case KernelEffect::none:
        case KernelEffect::eio:
        case KernelEffect::reads_zeros:
        case KernelEffect::wrong_data:
            return false;
        case KernelEffect::refuses:
        case KernelEffect::kernel_memory:
        case KernelEffect::endless_loop:
        case KernelEffect::out_of_bounds:
        case KernelEffect::crashes:
            break;
    }
    return true;
}

bool FindingCounts::kernel_safe() const noexcept {
    for (std::size_t i = 0; i < effects.size(); ++i) {
        if (effects[i] && is_unsafe(static_cast<KernelEffect>(i))) return false;
    }
    return true;
}

const char* to_string(ActionKind kind) noexcept {
    switch (kind) {
        case ActionKind::write_super:
            return "write-super";
        case ActionKind::resize:
            return "resize";
        case ActionKind::remap:
            return "remap";
        case ActionKind::rewrite:
            return "rewrite";
        case ActionKind::salvage:
            return "salvage";
        case ActionKind::raw_guess:
            return "raw-guess";
        case ActionKind::unmap:
            return "unmap";
        case ActionKind::lose:
            return "lose";
        case ActionKind::restore_meta:
            return "restore-meta";
        case ActionKind::may_be_older:
            return "may-be-older";
        case ActionKind::left_undecided:
            return "undecided";
    }
    return "undecided";
}

bool is_suspect(ActionKind kind) noexcept {
    return kind == ActionKind::raw_guess || kind == ActionKind::may_be_older ||
           kind == ActionKind::salvage;
}

const FindingKind& kind_of(FindingId id) noexcept {
    return table[static_cast<std::size_t>(id)];
}

std::span<const FindingKind, finding_id_count> finding_kinds() noexcept {
    return table;
}

Finding Finding::make(FindingId id, std::string detail) {
    Finding finding;
    finding.id = id;
    finding.severity = kind_of(id).severity;
    finding.effect = kind_of(id).effect;
    finding.detail = std::move(detail);
    return finding;
}

void FindingCounts::add(const Finding& finding) noexcept {
    ++by_id[static_cast<std::size_t>(finding.id)];
    switch (finding.severity) {
        case Severity::note:
            ++notes;
            return;
        case Severity::warning:
            ++warnings;
            break;
        case Severity::error:
            ++errors;
            error_blocks += finding.blocks;
            break;
    }
    worst = std::max(worst, finding.effect);
    effects.set(static_cast<std::size_t>(finding.effect));
}

}  // namespace insitu
