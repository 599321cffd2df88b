// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <span>
#include <vector>

#include "fsck/candidates.hpp"
#include "fsck/prior_meta.hpp"
#include "fsck/window_check.hpp"
#include "insitu/finding.hpp"
#include "insitu/internal/window/extent_encoder.hpp"

namespace insitu {

// What the search knows of a window before it begins.
struct SearchInput {
    WindowIndex window;
    unsigned blocks = window_blocks;           // of the device in this window
    ByteView content;                          // the space of these blocks
    std::uint32_t unreadable = 0;              // a bit for each block that cannot be read
    const WindowMap* prior = nullptr;          // what the meta says; none: it says nothing
    std::span<const JudgedExtent> judged;      // the same, examined
    std::span<const ManifestExtent> manifest;  // what the window should hold, where known
    std::uint32_t manifest_zeros = 0;          // a bit for each block that should be zeros
};

enum class PieceKind {
    kept,          // as the meta says
    undecided,     // as the meta says, though that is no good: nothing tells what is right
    candidate,     // a payload that describes itself
    cut,           // the first blocks of one: to be stored again
    recovered,     // a whole stream without its length word: to be stored again
    salvaged,      // the blocks that decode of a torn stream: to be stored again
    raw_guess,     // holds data that nothing explains
    raw_proven,    // a manifest proves it
    zeros_proven,  // a manifest has zeros there, whatever stands there
    empty,         // zeros: need not be mapped
    missing,       // zeros, where the meta says that there is a payload
    lost,          // holds remains of something that cannot be read
};

// An extent of the solution.
struct Piece {
    Extent extent;  // with the payload that it will have
    PieceKind kind = PieceKind::kept;
    bool suspect = false;            // may be of an earlier state of the blocks
    std::vector<std::byte> payload;  // of what is to be stored again
};

struct SearchOptions {
    bool trust_payloads = false;
    bool salvage = false;
    bool unmap_sound = false;  // where a manifest has zeros
    Seals seals = Seals::write;
};

// Finds the partition of a window into extents that explains its bytes best (docs/fsck.md): extents
// that read today stay as they are, the blocks between them are cut by dynamic programming over the
// payloads that describe themselves, with what the meta still says as prior. One a thread.
class WindowSearch {
  public:
    WindowSearch(Algorithm algorithm, const SearchOptions& options);

    // The pieces cover the window in order and without gaps. Valid until the next call.
    const std::vector<Piece>& solve(const SearchInput& input);

  private:
    enum class State { free, soft, fixed, undecided };
    struct Choice {
        unsigned cost = 0;
        Piece piece;
        int candidate = -1;
    };

    void set_states();
    void mark(const Extent& extent, State state);
    void prove_by_manifest();
    void prove_zeros();
    void drop_partial_proofs();
    bool prove(const ManifestExtent& expected);
    void reseal(Piece& piece) const;
    bool may_replace(const Extent& range) const;
    void judge_blocks();
    void partition();
    void partition_region(unsigned first, unsigned end);
    void offer(unsigned at, Choice choice, unsigned next);
    void offer_single(unsigned block);
    void offer_candidates(unsigned block, unsigned end);
    bool freeze_unexplained();
    bool reopen_unexplained();
    bool explained(const Extent& broken) const;
    bool recover(const Extent& broken);
    void salvage(const Extent& broken);
    void finish();
    void store_again(Piece& piece, ByteView content);
    bool credible(const Candidate& candidate) const;
    unsigned cost_of(const Candidate& candidate) const;
    bool contested(const Extent& extent) const;
    ByteView bytes_of(const Extent& extent) const;
    bool decode(const Candidate& candidate);

    Algorithm algorithm_;
    SearchOptions options_;
    CandidateFinder finder_;
    ExtentEncoder encoder_;
    AlignedBuffer content_;
    std::unique_ptr<Encoder> probe_;
    AlignedBuffer probe_output_;

    const SearchInput* input_ = nullptr;
    PriorMeta prior_;
    const std::vector<Candidate>* candidates_ = nullptr;
    std::array<State, window_blocks> states_{};
    std::array<PieceKind, window_blocks> unmapped_as_{};  // what soft blocks become
    std::uint32_t zero_blocks_ = 0;
    std::uint32_t packed_blocks_ = 0;  // whose content does not compress: raw, or part of a stream
    std::array<Choice, window_blocks + 1> best_;
    std::vector<Piece> proven_;
    std::vector<Piece> pieces_;
};

}  // namespace insitu
