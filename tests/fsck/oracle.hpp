// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "fsck/damage.hpp"
#include "fsck/test_device.hpp"
#include "insitu/repair.hpp"

namespace insitu::test {

// What a block of a device reads as, by the meta that stands on it.
struct BlockView {
    std::vector<std::byte> content;
    bool mapped = false;
    bool readable = true;
};

// All blocks, by the counts of the super block.
std::vector<BlockView> read_blocks(const Store& store);

// Keeps what a check or a repair tells.
class Told final : public FindingSink {
  public:
    void found(const Finding& finding) override;
    void planned(const PlannedAction& action) override;

    std::set<std::uint64_t> damaged;  // blocks of errors
    // Blocks of which the plan says that they are a guess, zeros, or left as they are.
    std::set<std::uint64_t> listed;
    std::vector<std::string> findings;  // as text, to be compared
    std::vector<std::string> plan;
};

// How often damage was met since the start, for those who tune the search.
struct Tally {
    std::uint64_t images = 0;
    std::uint64_t repaired = 0;
    std::uint64_t unreadable = 0;  // blocks, before the repair
    std::uint64_t regained = 0;    // of them, afterwards
    std::uint64_t newest = 0;      // of these, with the content that was written last
    std::uint64_t undecided = 0;
    std::uint64_t lost = 0;
    std::uint64_t suspect = 0;
    std::uint64_t cut = 0;   // repairs that were cut off and ended by the next run
    std::uint64_t torn = 0;  // blocks that decode though their payload is torn
};
Tally& tally();

// Checks and repairs a damaged image and asserts all that docs/fsck.md promises: what is found,
// what may change, what a second run and an undo do, and what is left of a repair that is cut off
// at a random write. `victim.model` knows what was written.
void judge(const Victim& victim, const RepairOptions& options, unsigned threads, Random& random);

}  // namespace insitu::test
