// SPDX-License-Identifier: GPL-2.0-or-later
#include "fsck/super_check.hpp"

#include <fmt/format.h>

#include <array>

#include "fsck/codec_evidence.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/image/create.hpp"
#include "insitu/internal/image/image.hpp"
#include "insitu/internal/image/unfinished.hpp"

namespace insitu {

namespace {

constexpr unsigned sampled_extents = 64;

Finding super_finding(FindingId id, std::string detail) {
    return Finding::make(id, std::move(detail));
}

std::string counts_text(BlockCounts counts) {
    return fmt::format("{} meta and {} data blocks", counts.meta_blocks, counts.data_blocks);
}

// The device that the driver would give exactly these counts.
std::optional<std::uint64_t> device_bytes_of(BlockCounts counts) {
    if (!counts_addressable(counts)) return std::nullopt;
    const std::uint64_t bytes = Geometry(counts).device_bytes();
    if (classify_device(bytes) != DeviceFit::usable) return std::nullopt;
    return counts_for_device(bytes) == counts ? std::optional(bytes) : std::nullopt;
}

// The counts that the driver's overflow made, or those of a device of two blocks.
bool unusable_counts(const SuperBlock& super, std::uint64_t device_bytes) {
    return super.counts == driver_counts_for_device(device_bytes) &&
           classify_device(device_bytes) != DeviceFit::usable;
}

void judge_unusable(SuperVerdict& verdict, const Store& store) {
    const std::uint64_t bytes = store.size_bytes();
    const NearestSizes nearest = nearest_usable_sizes(bytes);
    const std::string sizes =
        nearest.below_bytes ? fmt::format("{} and {}", *nearest.below_bytes, nearest.above_bytes)
                            : fmt::format("{}", nearest.above_bytes);
    verdict.findings.push_back(super_finding(
        FindingId::s06,
        fmt::format("formatted to {} bytes, which the driver cannot use: {}; the nearest usable "
                    "sizes are {} bytes",
                    bytes, counts_text(verdict.stored.counts), sizes)));
    const BlockCounts actual = counts_for_device(bytes);
    if (!counts_addressable(actual)) return;
    verdict.usable = verdict.stored;
    verdict.usable->counts = actual;
}

void judge_counts(SuperVerdict& verdict, const Store& store) {
    const SuperBlock& super = verdict.stored;
    const std::uint64_t bytes = store.size_bytes();
    const SuperFaults faults = check_super_block(super, bytes);
    if (unusable_counts(super, bytes)) return judge_unusable(verdict, store);
    if (faults.none() || !faults.has(SuperFault::counts_differ)) {
        verdict.usable = super;
        return;
    }
    verdict.wanted_bytes = device_bytes_of(super.counts);
    const std::string expected = counts_text(counts_for_device(bytes));
    std::string detail = fmt::format("super block has {}, a device of {} bytes has {}",
                                     counts_text(super.counts), bytes, expected);
    if (verdict.wanted_bytes) {
        detail += fmt::format("; they belong to one of {} bytes", *verdict.wanted_bytes);
    } else {
        detail += "; they belong to no device";
    }
    verdict.findings.push_back(super_finding(FindingId::s03, std::move(detail)));
    // Read by the counts where they make sense, by the size where they do not.
    if (verdict.wanted_bytes) {
        verdict.usable = super;
    } else if (classify_device(bytes) == DeviceFit::usable) {
        verdict.usable = super;
        verdict.usable->counts = counts_for_device(bytes);
    }
    // A file that ends inside its meta cannot be read at all.
    if (verdict.usable && Geometry(verdict.usable->counts).data_at_byte() > bytes) {
        verdict.usable.reset();
    }
}

const char* name_of(std::uint8_t algorithm) {
    return algorithm <= 1 ? to_string(static_cast<Algorithm>(algorithm)) : "unknown";
}

// Decides which codec the payloads are of, where the super block does not say or none of them
// decodes with what it says.
void judge_algorithm(SuperVerdict& verdict, const Store& store) {
    SuperBlock& super = *verdict.usable;
    const bool known = super.comp_alg <= 1;
    CodecEvidence evidence = codec_by_meta(store, super.counts, sampled_extents);
    const bool lzo_stated = super.comp_alg == static_cast<std::uint8_t>(Algorithm::lzo);
    const unsigned stated = lzo_stated ? evidence.lzo : evidence.deflate;
    const unsigned other = lzo_stated ? evidence.deflate : evidence.lzo;
    if (known && (stated > 0 || other == 0)) return;
    if (evidence.lzo == 0 && evidence.deflate == 0) {
        evidence = codec_by_payloads(store, super.counts, sampled_extents);
    }
    const Algorithm chosen = evidence.deflate > evidence.lzo ? Algorithm::deflate : Algorithm::lzo;
    const auto field_at = 32;
    Finding finding = super_finding(
        FindingId::s04,
        fmt::format("comp_alg is {} ({}); of {} payloads {} decode as lzo, {} as deflate",
                    super.comp_alg, name_of(super.comp_alg), evidence.tried, evidence.lzo,
                    evidence.deflate));
    finding.at_byte = field_at;
    if (known) finding.effect = KernelEffect::eio;
    verdict.findings.push_back(std::move(finding));
    super.comp_alg = static_cast<std::uint8_t>(chosen);
}

}  // namespace

SuperVerdict judge_super(const Store& store) {
    if (store.size_bytes() < block_bytes) {
        throw Error(ErrorKind::refused, {.file = store.name()},
                    fmt::format("is not an image: {} bytes are fewer than a super block has",
                                store.size_bytes()));
    }
    // Nothing in it is to be judged before, and the less repaired.
    refuse_unfinished(store);
    SuperVerdict verdict;
    verdict.stored = read_super_block(store);
    const SuperBlock& super = verdict.stored;
    const SuperFaults faults = check_super_block(super, store.size_bytes());
    if (faults.has(SuperFault::magic)) {
        const std::string detail =
            fmt::format("magic is {:#018x}, expected {:#018x}", super.magic, super_magic);
        const bool plausible = !faults.has(SuperFault::version) &&
                               !faults.has(SuperFault::algorithm) &&
                               !faults.has(SuperFault::counts_differ);
        verdict.findings.push_back(
            super_finding(plausible ? FindingId::s01 : FindingId::s05, detail));
        if (!plausible) return verdict;
    } else if (faults.has(SuperFault::version)) {
        verdict.findings.push_back(
            super_finding(FindingId::s02,
                          fmt::format("version is {}, expected {}", super.version, super_version)));
        return verdict;
    }
    judge_counts(verdict, store);
    if (!verdict.usable) return verdict;
    verdict.usable->magic = super_magic;
    judge_algorithm(verdict, store);
    verdict.repairable = verdict.usable->counts == super.counts;
    return verdict;
}

SuperBlock super_from_evidence(const Store& store, Evidence wanted) {
    SuperBlock super = super_block_for(store.size_bytes(), Algorithm::lzo, store.name());
    CodecEvidence evidence = codec_by_meta(store, super.counts, sampled_extents);
    if (evidence.lzo == 0 && evidence.deflate == 0) {
        evidence = codec_by_payloads(store, super.counts, sampled_extents);
    }
    if (evidence.lzo == 0 && evidence.deflate == 0 && wanted == Evidence::required) {
        throw Error(ErrorKind::refused, {.file = store.name()},
                    "nothing says that this is an insitu-comp image: no payload on it decodes",
                    "--force makes a super block all the same");
    }
    if (evidence.deflate > evidence.lzo) {
        super.comp_alg = static_cast<std::uint8_t>(Algorithm::deflate);
    }
    return super;
}

}  // namespace insitu
