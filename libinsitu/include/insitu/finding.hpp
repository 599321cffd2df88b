// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "insitu/internal/api.hpp"
#include "insitu/units.hpp"

namespace insitu {

// What fsck may find (docs/fsck.md). The names are stable: the list grows, it is never renumbered.
enum class FindingId : unsigned {
    s01,
    s02,
    s03,
    s04,
    s05,
    s06,
    m01,
    m02,
    m03,
    m04,
    m05,
    m06,
    m07,
    p01,
    p02,
    p03,
    p04,
    p05,
    p06,
    p07,
    p08,
    h01,
};
inline constexpr std::size_t finding_id_count = 22;

enum class Severity {
    note,     // sound, worth knowing
    warning,  // reads as it should today, or cannot be told; the exit status stays 0
    error,    // damage
};

// What the kernel target does when it meets the finding, from harmless to worst.
enum class KernelEffect {
    none,
    refuses,        // does not open the device
    eio,            // the read fails
    reads_zeros,    // the read returns zeros
    wrong_data,     // the read returns something else than was written
    kernel_memory,  // the read returns old memory of the kernel
    endless_loop,   // a thread of the kernel never ends
    out_of_bounds,  // the kernel reads outside its memory
    crashes,        // the kernel oopses when it opens the device
};

INSITU_API const char* to_string(Severity severity) noexcept;
INSITU_API const char* to_string(KernelEffect effect) noexcept;
inline constexpr std::size_t kernel_effect_count = 9;
// Whether an image with this effect should not be activated. What any failing disk does (errors,
// zeros, wrong data) is not unsafe in this sense; a device that the driver refuses to open is.
INSITU_API bool is_unsafe(KernelEffect effect) noexcept;

// A row of the table of findings.
struct FindingKind {
    FindingId id;
    const char* name;  // "M03"
    Severity severity;
    KernelEffect effect;
    const char* text;
    const char* repair;
};

INSITU_API const FindingKind& kind_of(FindingId id) noexcept;
INSITU_API std::span<const FindingKind, finding_id_count> finding_kinds() noexcept;

// One thing that was found. Severity and effect are those of its kind unless the case is another.
struct INSITU_API Finding {
    FindingId id = FindingId::s01;
    Severity severity = Severity::error;
    KernelEffect effect = KernelEffect::none;
    std::optional<WindowIndex> window = {};
    BlockIndex block = {};
    std::uint64_t blocks = 0;   // of the logical device, from `block` on: what is affected
    std::uint64_t at_byte = 0;  // of the device
    std::string detail = {};

    // A finding with the severity and effect of its kind.
    static Finding make(FindingId id, std::string detail);

    std::uint64_t offset_bytes() const noexcept { return block.value * block_bytes; }
    std::uint64_t length_bytes() const noexcept { return blocks * block_bytes; }
};

// What the repair makes of a block range.
enum class ActionKind {
    write_super,     // fields of the super block
    resize,          // the file gets another length
    remap,           // meta says now what the payload on the disk says
    rewrite,         // content is decoded and stored again as one extent
    salvage,         // the same with the blocks that decode of a torn stream; suspect
    raw_guess,       // taken for raw blocks: nothing proves it, the blocks are suspect
    unmap,           // no data stood there: reads as zeros, as before
    lose,            // unmapped, though data stood there: reads as zeros, content is lost
    restore_meta,    // meta from a dump
    may_be_older,    // a payload that may be of an earlier state of the blocks; suspect
    left_undecided,  // not touched: nothing tells what is right
};

INSITU_API const char* to_string(ActionKind kind) noexcept;
// Whether the content of such blocks is a guess that a user should look at.
INSITU_API bool is_suspect(ActionKind kind) noexcept;

// One step of a plan.
struct PlannedAction {
    ActionKind kind = ActionKind::remap;
    std::optional<WindowIndex> window = {};
    BlockIndex block = {};
    std::uint64_t blocks = 0;
    std::uint64_t at_byte = 0;
    unsigned payload_sectors = 0;
    std::string detail = {};
};

// Receives findings and the plan in rising order of their windows, from one thread at a time.
class INSITU_API FindingSink {
  public:
    virtual ~FindingSink();
    virtual void found(const Finding& finding) = 0;
    virtual void planned(const PlannedAction& action);
};

// Findings by id and by severity.
struct INSITU_API FindingCounts {
    std::array<std::uint64_t, finding_id_count> by_id{};
    std::uint64_t errors = 0;
    std::uint64_t warnings = 0;
    std::uint64_t notes = 0;
    std::uint64_t error_blocks = 0;
    KernelEffect worst = KernelEffect::none;   // of errors and warnings
    std::bitset<kernel_effect_count> effects;  // all of them

    bool has(KernelEffect effect) const { return effects.test(static_cast<std::size_t>(effect)); }
    // Errors and warnings without an unsafe effect, whatever else there is.
    bool kernel_safe() const noexcept;
    void add(const Finding& finding) noexcept;
    std::uint64_t of(FindingId id) const noexcept { return by_id[static_cast<std::size_t>(id)]; }
};

}  // namespace insitu
