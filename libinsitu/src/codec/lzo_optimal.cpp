// SPDX-License-Identifier: GPL-2.0-or-later
#include "codec/lzo_optimal.hpp"

#include <algorithm>
#include <array>
#include <vector>

// The shortest row of tokens for a piece of the input, backwards.
//
// For each place three costs are kept, of the way from it to the end of the piece:
//
//   after_match  a match has just ended here: any token, or literals, may follow
//   at_match     a match starts here, after 1 to 3 literals (M1 of two bytes is one)
//   in_run       here is a run of more than 3 literals, whose head is paid for
//
// The cost of a token depends on the class of its distance and little on its length, and a place
// farther on never costs noticeably more than one before it. So only the longest match of each
// class, and what is left of it for a shorter token, have to be tried: no loop over lengths.
//
// A piece is parsed with a look at what follows it, of which nothing is emitted: it is parsed again
// with the next piece.
namespace insitu {

namespace {

using lzo::Candidates;
using lzo::MatchFinder;

constexpr std::uint32_t piece_bytes = 8192;
constexpr std::uint32_t look_ahead_bytes = 256;
constexpr std::uint32_t most_places = piece_bytes + look_ahead_bytes;
constexpr std::uint32_t run_head_literals = 4;  // a run of so many has a head

using Cost = std::uint32_t;
constexpr Cost byte_cost = 64;
constexpr Cost token_cost = 1;  // among equal rows the one with fewer tokens: it decodes faster
constexpr Cost never = Cost{1} << 28;

// What a token of M3 or M4 takes more for its length.
constexpr Cost extension_cost(std::uint32_t length, std::uint32_t longest) noexcept {
    return length <= longest ? 0 : (1 + (length - longest - 1) / 255) * byte_cost;
}

struct Match {
    std::uint16_t length = 0;
    std::uint16_t distance = 0;
};

// What follows from a place.
struct Node {
    Cost after_match = 0;
    Match match;                 // the best that starts here, length 0: none
    std::uint16_t literals = 0;  // after a match: so many, then the match there
    bool pair = false;           // after 1 to 3 literals, the pair is better than `match`
    bool triple = false;         // after a run, the triple is
};

class Parse {
  public:
    Parse() : nodes_(most_places + 1) {}

    const Node& operator[](std::uint32_t at) const noexcept { return nodes_[at]; }

    void run(std::span<const Candidates> places) noexcept {
        const auto end = static_cast<std::uint32_t>(places.size());
        nodes_[end] = {};
        at_match_.fill(never);
        in_run_.fill({never, 0});
        at_match_[end % at_match_.size()] = 0;
        in_run_[end % in_run_.size()] = {0, 0};
        for (std::uint32_t at = end; at-- > 0;)
            visit(at, places[at], end - at);
    }

  private:
    // A run goes on for `literals`, then there is a match.
    struct Run {
        Cost cost;
        std::uint16_t literals;
    };

    // The cheapest match, against all tried before.
    struct Best {
        Cost cost = never;
        Match match;
    };

    void attempt(Best& best, std::uint32_t at, std::uint32_t length, Cost token,
                 std::uint16_t distance) const noexcept {
        const Cost cost = token + token_cost + nodes_[at + length].after_match;
        if (cost < best.cost || (cost == best.cost && length > best.match.length)) {
            best = {cost, {static_cast<std::uint16_t>(length), distance}};
        }
    }

    // A match of M3 or M4: whole, and what a token without more bytes of length can have of it.
    void attempt_far(Best& best, std::uint32_t at, std::uint32_t length, std::uint16_t distance,
                     std::uint32_t longest) const noexcept {
        constexpr Cost token = 3 * byte_cost;
        attempt(best, at, length, token + extension_cost(length, longest), distance);
        if (length > longest) attempt(best, at, longest, token, distance);
    }

    Best best_match(std::uint32_t at, const Candidates& found, std::uint32_t room) const noexcept {
        Best best;
        const auto length_of = [&](unsigned i) {
            return std::min<std::uint32_t>(found.lengths[i], room);
        };
        if (const std::uint32_t length = length_of(0); length >= 3) {
            const std::uint32_t part = std::min(length, lzo::m2_length);
            attempt(best, at, part, 2 * byte_cost, found.distances[0]);
            if (length > part) {
                attempt_far(best, at, length, found.distances[0], lzo::m3_length);
            } else if (length > 3) {
                attempt(best, at, length - 1, 2 * byte_cost, found.distances[0]);
            }
        }
        if (const std::uint32_t length = length_of(1); length >= 3) {
            attempt_far(best, at, length, found.distances[1], lzo::m3_length);
            if (length > 4 && length <= lzo::m3_length) {
                attempt(best, at, length - 1, 3 * byte_cost, found.distances[1]);
            }
        }
        if (const std::uint32_t length = length_of(2); length >= 4) {
            attempt_far(best, at, length, found.distances[2], lzo::m4_length);
        }
        return best;
    }

    void visit(std::uint32_t at, const Candidates& found, std::uint32_t room) noexcept {
        const auto ahead = [&](std::uint32_t bytes) -> Cost& {
            return at_match_[(at + bytes) % at_match_.size()];
        };
        const Best best = best_match(at, found, room);
        Node node{best.cost, best.match, 0, false, false};

        Cost after_literals = best.cost;
        if (found.pair_distance != 0 && room >= 2) {
            const Cost cost = 2 * byte_cost + token_cost + nodes_[at + 2].after_match;
            node.pair = cost < after_literals;
            after_literals = std::min(after_literals, cost);
        }
        Run run{best.cost, 0};
        if (found.triple_distance != 0 && room >= 3) {
            const Cost cost = 2 * byte_cost + token_cost + nodes_[at + 3].after_match;
            node.triple = cost < run.cost;
            run.cost = std::min(run.cost, cost);
        }
        if (const Run& next = in_run_[(at + 1) % in_run_.size()];
            byte_cost + next.cost < run.cost) {
            run = {byte_cost + next.cost, static_cast<std::uint16_t>(next.literals + 1)};
        }

        for (std::uint32_t literals = 1; literals <= lzo::counted_literals; ++literals) {
            const Cost cost = literals * byte_cost + ahead(literals);
            if (cost >= node.after_match) continue;
            node.after_match = cost;
            node.literals = static_cast<std::uint16_t>(literals);
        }
        const Run& long_run = in_run_[(at + run_head_literals) % in_run_.size()];
        const std::uint32_t literals = long_run.literals + run_head_literals;
        const Cost cost = (1 + run_head_literals) * byte_cost + long_run.cost +
                          extension_cost(literals, lzo::short_literals);
        if (cost < node.after_match) {
            node.after_match = cost;
            node.literals = static_cast<std::uint16_t>(literals);
        }
        nodes_[at] = node;
        ahead(0) = after_literals;
        in_run_[at % in_run_.size()] = run;
    }

    std::vector<Node> nodes_;
    // Of the places just behind the present one; no others are asked for.
    std::array<Cost, 8> at_match_{};
    std::array<Run, 8> in_run_{};
};

class OptimalEncoder final : public LzoBorderEncoder {
  public:
    explicit OptimalEncoder(const lzo::Search& search)
        : search_(search), finder_(search), places_(most_places) {}

  private:
    static_assert(MatchFinder::margin_bytes <= margin_bytes);

    void reset(ByteView run) noexcept override {
        finder_.start(run);
        first_ = 0;
        found_ = 0;
    }

    // The candidates of [first_, end), as far as they are not known from the piece before.
    void find(std::uint32_t end) noexcept {
        while (found_ < end) {
            const std::uint32_t i = found_ - first_;
            Candidates& found = places_[i];
            found = finder_.find(found_, i > 0 ? &places_[i - 1] : nullptr);
            ++found_;
            if (found.longest() >= search_.long_enough) find_inside(end);
        }
    }

    // Inside a long match the rest of it is as good as anything that would be found, but for its
    // last bytes.
    void find_inside(std::uint32_t end) noexcept {
        constexpr std::uint32_t tail_bytes = 12;
        const std::uint32_t i = found_ - 1 - first_;
        Candidates& found = places_[i];
        unsigned longest = 0;
        for (unsigned k = 1; k < Candidates::classes; ++k)
            if (found.lengths[k] > found.lengths[longest]) longest = k;
        const unsigned char* const here = input() + found_ - 1;
        const std::uint32_t limit =
            std::min(input_bytes() - (found_ - 1), MatchFinder::longest_match);
        const std::uint32_t length = common_bytes(here, here - found.distances[longest], limit);
        found.lengths[longest] = static_cast<std::uint16_t>(length);
        for (std::uint32_t k = 1; k + tail_bytes < length && found_ < end; ++k) {
            Candidates& inside = places_[i + k];
            inside = {};
            inside.lengths[longest] = static_cast<std::uint16_t>(length - k);
            inside.distances[longest] = found.distances[longest];
            ++found_;
        }
    }

    void search(std::uint32_t stop) noexcept override {
        const std::uint32_t last = input_bytes() - margin_bytes;
        Tokens tokens(*this);
        std::uint32_t at = tokens.start();
        while (at < stop) {
            const std::uint32_t piece_end = std::min(at + piece_bytes, stop);
            const std::uint32_t end = std::min(piece_end + look_ahead_bytes, last);
            keep_from(at);
            find(end);
            parse_.run(std::span<const Candidates>(places_).first(end - at));
            const std::uint32_t reached = emit(tokens, at, piece_end, end);
            if (reached == 0) return;
            at = reached;
        }
        tokens.save(at);
    }

    // Candidates of places from `at` on come to the front.
    void keep_from(std::uint32_t at) noexcept {
        if (found_ > at) {
            const auto from = places_.begin() + (at - first_);
            std::copy(from, from + (found_ - at), places_.begin());
        } else {
            found_ = at;
        }
        first_ = at;
    }

    // Emits the tokens that start before `piece_end`; returns where they end, or 0 if there is no
    // room for them.
    std::uint32_t emit(Tokens& tokens, std::uint32_t at, std::uint32_t piece_end,
                       std::uint32_t end) noexcept {
        while (at < piece_end) {
            const std::uint32_t literals = parse_[at - first_].literals;
            at += literals;
            if (at >= end) return std::min(at, end);
            const Node& node = parse_[at - first_];
            const Candidates& found = places_[at - first_];
            const std::uint32_t before = at - tokens.literals();
            bool room = true;
            if (node.pair && literals > 0 && before <= lzo::counted_literals) {
                room = tokens.put_short(at, 2, found.pair_distance);
                at += 2;
            } else if (node.triple && literals >= run_head_literals) {
                room = tokens.put_short(at, 3, found.triple_distance);
                at += 3;
            } else if (node.match.length == 0) {
                // A pair or triple that has other literals before it than was thought.
                ++at;
            } else {
                room = tokens.put(at, at + node.match.length, node.match.distance);
                at += node.match.length;
            }
            if (!room) return 0;
        }
        return at;
    }

    lzo::Search search_;
    MatchFinder finder_;
    std::uint32_t first_ = 0;  // the place of the first candidates
    std::uint32_t found_ = 0;  // and of the first that are not known yet
    std::vector<Candidates> places_;
    Parse parse_;
};

}  // namespace

std::unique_ptr<LzoBorderEncoder> make_lzo_optimal_encoder(const lzo::Search& search) {
    return std::make_unique<OptimalEncoder>(search);
}

}  // namespace insitu
