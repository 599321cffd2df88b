// SPDX-License-Identifier: GPL-2.0-or-later
#include "fsck/window_search.hpp"

#include <algorithm>
#include <limits>

#include "codec/partial.hpp"
#include "window/zero_blocks.hpp"

namespace insitu {

namespace {

// What a way to explain blocks costs; only the order matters. A payload that describes itself is
// not there by accident, so leaving one unexplained at the start of an extent is worst of all:
// it can only be stale where an earlier extent covers it.
constexpr unsigned cost_sealed = 1;  // a seal proves the stream, its length and its place
constexpr unsigned cost_candidate = 10;
constexpr unsigned cost_against_seal = 100;
constexpr unsigned cost_against_prior = 5;
constexpr unsigned cost_empty = 20;
constexpr unsigned cost_cut = 40;
constexpr unsigned cost_raw_by_prior = 50;
constexpr unsigned cost_raw = 60;
constexpr unsigned cost_lost = 80;
constexpr unsigned cost_ignored_payload = 300;
constexpr unsigned cost_never = std::numeric_limits<unsigned>::max() / 2;

// A raw extent is one that does not compress, so nearly all of its blocks do not either.
constexpr std::size_t packed_limit_bytes = block_bytes - 2 * sector_bytes;

}  // namespace

WindowSearch::WindowSearch(Algorithm algorithm, const SearchOptions& options)
    : algorithm_(algorithm),
      options_(options),
      finder_(algorithm),
      encoder_({.algorithm = algorithm}, options.seals),
      content_(window_bytes),
      probe_(make_encoder({.algorithm = algorithm, .level = Level::fast})),
      probe_output_(encode_bound_bytes(block_bytes)) {}

ByteView WindowSearch::bytes_of(const Extent& extent) const {
    return input_->content.subspan(extent.first * block_bytes, extent.blocks * block_bytes);
}

// Content can look like a payload (docs/fsck.md): it is none where the meta says otherwise.
bool WindowSearch::credible(const Candidate& candidate) const {
    return options_.trust_payloads || candidate.seal == SealState::right ||
           !prior_.denies(candidate.extent);
}

unsigned WindowSearch::cost_of(const Candidate& candidate) const {
    unsigned cost = cost_candidate;
    if (candidate.seal == SealState::right) cost = cost_sealed;
    if (candidate.seal == SealState::differs) cost += cost_against_seal;
    return cost + (prior_.agrees(candidate.extent) ? 0 : cost_against_prior);
}

// Whether another payload starts among the sectors of this one: one of them was written over the
// other, or is part of its content.
bool WindowSearch::contested(const Extent& extent) const {
    const unsigned end =
        extent.first + static_cast<unsigned>(ceil_div(extent.payload_sectors, sectors_per_block));
    return std::any_of(candidates_->begin(), candidates_->end(), [&](const Candidate& other) {
        return other.extent.first > extent.first && other.extent.first < end;
    });
}

void WindowSearch::mark(const Extent& extent, State state) {
    for (unsigned i = 0; i < extent.blocks; ++i)
        states_[extent.first + i] = state;
}

void WindowSearch::set_states() {
    states_.fill(State::free);
    unmapped_as_.fill(PieceKind::kept);
    for (const JudgedExtent& judged : input_->judged) {
        switch (judged.judgement) {
            case Judgement::unmapped:
                mark(judged.extent, State::soft);
                break;
            case Judgement::compressed:
            case Judgement::raw:
            case Judgement::crossing:
                mark(judged.extent, State::fixed);
                break;
            case Judgement::suspect_raw:
                if (!options_.trust_payloads) mark(judged.extent, State::fixed);
                break;
            case Judgement::unsealed:  // no other stream can start and end there
            case Judgement::differs:
            case Judgement::unreadable:
                mark(judged.extent, State::undecided);
                break;
            case Judgement::broken_meta:
            case Judgement::broken:
                break;
        }
    }
}

void WindowSearch::judge_blocks() {
    zero_blocks_ = ~nonzero_blocks(input_->content) & ~input_->unreadable;
    // What cannot be read is mapped raw: reading it fails, as it should.
    packed_blocks_ = input_->unreadable;
    for (unsigned block = 0; block < input_->blocks; ++block) {
        if (states_[block] != State::free || ((zero_blocks_ >> block) & 1) != 0) continue;
        const std::size_t length =
            probe_->encode(bytes_of({block, 1, 0}), probe_output_.span(), packed_limit_bytes);
        if (length == 0) packed_blocks_ |= std::uint32_t{1} << block;
    }
}

bool WindowSearch::decode(const Candidate& candidate) {
    const std::size_t at = candidate.extent.first * block_bytes;
    return finder_.decode(input_->content.subspan(at, candidate.stream_bytes),
                          content_.first(candidate.extent.blocks * block_bytes));
}

void WindowSearch::offer(unsigned at, Choice choice, unsigned next) {
    choice.cost += best_[next].cost;
    if (choice.cost < best_[at].cost) best_[at] = std::move(choice);
}

// One block by itself.
void WindowSearch::offer_single(unsigned block) {
    const Extent mapped{block, 1, sectors_per_block};
    const Extent unmapped{block, 1, 0};
    if (states_[block] == State::soft) {
        return offer(block, {0, {unmapped, unmapped_as_[block], false, {}}, -1}, block + 1);
    }
    const bool ignores =
        std::any_of(candidates_->begin(), candidates_->end(), [&](const Candidate& candidate) {
            return candidate.extent.first == block && credible(candidate);
        });
    const unsigned extra = ignores ? cost_ignored_payload : 0;
    if (((zero_blocks_ >> block) & 1) != 0) {
        const PieceKind kind = prior_.names_payload(block) ? PieceKind::missing : PieceKind::empty;
        offer(block, {cost_empty, {unmapped, kind, false, {}}, -1}, block + 1);
    } else if (prior_.raw(block)) {
        offer(block, {cost_raw_by_prior + extra, {mapped, PieceKind::raw_guess, false, {}}, -1},
              block + 1);
    } else if (((packed_blocks_ >> block) & 1) != 0) {
        offer(block, {cost_raw + extra, {mapped, PieceKind::raw_guess, false, {}}, -1}, block + 1);
    } else {
        offer(block, {cost_lost + extra, {unmapped, PieceKind::lost, false, {}}, -1}, block + 1);
    }
}

void WindowSearch::offer_candidates(unsigned block, unsigned end) {
    // A payload in a block that the meta calls unmapped may be of a former life of the disk.
    if (states_[block] == State::soft && !options_.trust_payloads) return;
    for (std::size_t i = 0; i < candidates_->size(); ++i) {
        const Extent& extent = (*candidates_)[i].extent;
        if (extent.first != block || !credible((*candidates_)[i])) continue;
        const unsigned candidate_end = block + extent.blocks;
        if (candidate_end <= end) {
            const bool doubtful = (*candidates_)[i].seal == SealState::differs;
            offer(block,
                  {cost_of((*candidates_)[i]),
                   {extent, PieceKind::candidate, doubtful, {}},
                   static_cast<int>(i)},
                  candidate_end);
        } else {
            const Extent part{block, end - block, 0};
            offer(block, {cost_cut, {part, PieceKind::cut, false, {}}, static_cast<int>(i)}, end);
        }
    }
}

void WindowSearch::partition_region(unsigned first, unsigned end) {
    best_[end] = {};
    for (unsigned block = end; block-- > first;) {
        best_[block] = {cost_never, {}, -1};
        offer_single(block);
        offer_candidates(block, end);
    }
    for (unsigned block = first; block < end;) {
        Piece piece = best_[block].piece;
        if (piece.kind == PieceKind::cut) {
            const auto& candidate =
                (*candidates_)[static_cast<std::size_t>(best_[block].candidate)];
            if (decode(candidate)) {
                store_again(piece, content_.first(piece.extent.blocks * block_bytes));
            }
        }
        block += piece.extent.blocks;
        pieces_.push_back(std::move(piece));
    }
}

void WindowSearch::store_again(Piece& piece, ByteView content) {
    const ByteView payload =
        encoder_.encode(first_block_of(input_->window) + piece.extent.first, content);
    piece.payload.assign(payload.begin(), payload.end());
    piece.extent.payload_sectors = static_cast<unsigned>(payload.size() / sector_bytes);
}

// Cuts every run of free and unmapped blocks; the rest stays.
void WindowSearch::partition() {
    pieces_.clear();
    const auto open = [&](unsigned block) {
        return states_[block] == State::free || states_[block] == State::soft;
    };
    for (unsigned block = 0; block < input_->blocks;) {
        unsigned end = block;
        while (end < input_->blocks && open(end))
            ++end;
        if (end > block) {
            partition_region(block, end);
            block = end;
            continue;
        }
        const auto proof = std::find_if(proven_.begin(), proven_.end(), [&](const Piece& piece) {
            return piece.extent.first == block;
        });
        if (proof != proven_.end()) {
            pieces_.push_back(*proof);
            block += proof->extent.blocks;
            continue;
        }
        const bool undecided = states_[block] == State::undecided;
        const PieceKind kind = undecided ? PieceKind::undecided : PieceKind::kept;
        pieces_.push_back({{block, 1, 0}, kind, false, {}});
        ++block;
    }
}

// Whether the solution found something in the place of an extent whose payload is no good. What
// stands in its hole may be older than the extent itself: without an explanation for its start
// that is no evidence.
bool WindowSearch::explained(const Extent& broken) const {
    const unsigned hole =
        broken.first + static_cast<unsigned>(ceil_div(broken.payload_sectors, sectors_per_block));
    bool start_explained = false;
    for (const Piece& piece : pieces_) {
        const bool evidence = piece.kind == PieceKind::candidate || piece.kind == PieceKind::cut ||
                              piece.kind == PieceKind::raw_proven;
        if (!evidence || !overlap(piece.extent, broken)) continue;
        if (piece.extent.first <= broken.first) start_explained = true;
        if (start_explained || piece.extent.first < hole) return true;
    }
    return false;
}

// A stream that is whole where only its length word is not: it ends by itself and gives exactly
// the blocks that the meta says.
bool WindowSearch::recover(const Extent& extent) {
    const ByteView payload = bytes_of(extent).first(extent.payload_sectors * sector_bytes);
    const ByteSpan content = content_.first(extent.blocks * block_bytes);
    if (decode_open_end(algorithm_, payload.first(payload.size() - length_word_bytes), content) !=
        content.size()) {
        return false;
    }
    Piece piece{{extent.first, extent.blocks, 0}, PieceKind::recovered, false, {}};
    store_again(piece, content);
    proven_.push_back(std::move(piece));
    mark(extent, State::fixed);
    return true;
}

void WindowSearch::salvage(const Extent& extent) {
    const ByteView payload = bytes_of(extent).first(extent.payload_sectors * sector_bytes);
    const std::uint32_t length = unsafe_stream_length(payload);
    const bool framed = stream_readable(length, extent.payload_sectors);
    const ByteView stream = framed ? payload.first(length) : payload;
    const ByteSpan content = content_.first(extent.blocks * block_bytes);
    const std::size_t given = decode_partly(algorithm_, stream, content);
    const auto blocks = static_cast<unsigned>(given / block_bytes);
    if (blocks > 0) {
        Piece piece{{extent.first, blocks, 0}, PieceKind::salvaged, true, {}};
        store_again(piece, content.first(blocks * block_bytes));
        proven_.push_back(std::move(piece));
    }
    for (unsigned i = blocks; i < extent.blocks; ++i) {
        proven_.push_back({{extent.first + i, 1, 0}, PieceKind::lost, false, {}});
    }
    mark(extent, State::fixed);
}

// Takes extents that the search could not explain out of it: they stay as they are, or what can be
// decoded of them is kept. True: the partition has to be made again.
bool WindowSearch::freeze_unexplained() {
    bool changed = false;
    for (const JudgedExtent& judged : input_->judged) {
        if (judged.judgement != Judgement::broken) continue;
        if (states_[judged.extent.first] != State::free || explained(judged.extent)) continue;
        changed = true;
        if (recover(judged.extent)) continue;
        if (options_.salvage) {
            salvage(judged.extent);
        } else {
            mark(judged.extent, State::undecided);
        }
    }
    return changed;
}

// What was found stands fast now, and may explain an extent that could not be explained before: as
// the next run would see it. True: the partition has to be made again.
bool WindowSearch::reopen_unexplained() {
    bool news = false;
    for (const Piece& piece : pieces_) {
        if (piece.kind == PieceKind::kept || piece.kind == PieceKind::undecided) continue;
        const bool open = states_[piece.extent.first] == State::free;
        news = news || open;
        if (piece.extent.payload_sectors == 0) {
            if (open) unmapped_as_[piece.extent.first] = piece.kind;
            if (open) mark(piece.extent, State::soft);
        } else if (states_[piece.extent.first] != State::fixed) {
            mark(piece.extent, State::fixed);
            proven_.push_back(piece);
        }
    }
    if (!news) return false;
    bool changed = false;
    for (const JudgedExtent& judged : input_->judged) {
        if (judged.judgement != Judgement::broken) continue;
        if (states_[judged.extent.first] != State::undecided) continue;
        mark(judged.extent, State::free);
        changed = true;
    }
    return changed;
}

// Joins what belongs together, and marks what may be stale: a payload behind the remains of
// something unreadable may have been overwritten by it, and so may one that another stands in.
void WindowSearch::finish() {
    std::vector<Piece> joined;
    bool after_unexplained = false;
    for (Piece& piece : pieces_) {
        const bool guess = piece.kind == PieceKind::raw_guess || piece.kind == PieceKind::lost;
        const bool doubtful = after_unexplained || contested(piece.extent);
        if (piece.kind == PieceKind::candidate && doubtful) piece.suspect = true;
        after_unexplained = guess;
        Piece* last = joined.empty() ? nullptr : &joined.back();
        const bool join =
            last != nullptr && last->kind == piece.kind && (piece.kind == PieceKind::raw_guess);
        if (join) {
            last->extent.blocks += piece.extent.blocks;
            last->extent.payload_sectors += piece.extent.payload_sectors;
        } else {
            joined.push_back(std::move(piece));
        }
    }
    pieces_ = std::move(joined);
}

const std::vector<Piece>& WindowSearch::solve(const SearchInput& input) {
    input_ = &input;
    prior_ = PriorMeta(input.prior, input.judged);
    candidates_ = &finder_.find(input.window, input.content, 0, input.unreadable);
    set_states();
    prove_by_manifest();
    judge_blocks();
    do {
        do {
            partition();
        } while (freeze_unexplained());
    } while (reopen_unexplained());
    finish();
    return pieces_;
}

}  // namespace insitu
