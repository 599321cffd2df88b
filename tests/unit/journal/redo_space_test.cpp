// SPDX-License-Identifier: GPL-2.0-or-later
#include "journal/redo_space.hpp"

#include "support/catch.hpp"

using namespace insitu;

namespace {

using Admission = RedoSpace::Admission;
using Journal = RedoSpace::Journal;

constexpr std::uint64_t windows = 8;
constexpr std::uint64_t request_bytes = 4 * block_bytes;

// A space of eight windows in which a commit may have up to 1 MiB waiting.
RedoSpace make_space() {
    return {Geometry(BlockCounts{1, windows * window_blocks}), std::uint64_t{1} << 20};
}

void offer_all_of(RedoSpace& space, std::uint64_t window) {
    space.offer({window}, SectorMask::all());
}

// What a commit does when it is through with its search.
void end_search(RedoSpace& space) {
    space.begin_search(0);
    space.end_search();
}

RedoSpace::Change first_change(std::uint64_t window, std::uint64_t bytes, Journal journal) {
    return {{window}, true, bytes, bytes, journal};
}

}  // namespace

TEST_CASE("a change is admitted as long as the holes have room for all that waits") {
    RedoSpace space = make_space();
    for (const std::uint64_t window : {5U, 6U, 7U})
        offer_all_of(space, window);
    end_search(space);
    REQUIRE_FALSE(space.cramped());
    CHECK(space.admit(first_change(0, 2 * window_bytes, Journal::required)) == Admission::admitted);
    CHECK(space.admit(first_change(1, window_bytes, Journal::required)) == Admission::commit_first);
    CHECK(space.waiting_bytes() == 2 * window_bytes);
}

TEST_CASE("who stages a window takes its holes from the room") {
    RedoSpace space = make_space();
    for (const std::uint64_t window : {5U, 6U, 7U})
        offer_all_of(space, window);
    end_search(space);
    CHECK(space.admit(first_change(0, 2 * window_bytes, Journal::required)) == Admission::admitted);
    CHECK(space.admit(first_change(5, request_bytes, Journal::required)) ==
          Admission::commit_first);
}

TEST_CASE("room that was promised is not taken away once there is hardly any") {
    RedoSpace space = make_space();
    for (const std::uint64_t window : {5U, 6U, 7U})
        offer_all_of(space, window);
    end_search(space);
    REQUIRE(space.admit(first_change(0, window_bytes, Journal::required)) == Admission::admitted);
    // A commit of others takes a window's worth of it.
    space.take();
    end_search(space);
    REQUIRE(space.cramped());
    // These write over nothing but what they replace, and could go without a journal. But they
    // would stage windows that hold what was promised.
    CHECK(space.admit(first_change(5, request_bytes, Journal::needless)) ==
          Admission::commit_first);
    CHECK(space.admit(first_change(1, request_bytes, Journal::needless)) == Admission::admitted);
    // When nothing waits any more, nothing is promised.
    space.release(window_bytes + request_bytes);
    CHECK(space.admit(first_change(5, request_bytes, Journal::needless)) == Admission::admitted);
}

TEST_CASE("without room, only what needs no journal is admitted") {
    RedoSpace space = make_space();
    SECTION("known as cramped") {
        end_search(space);
    }
    SECTION("not yet looked at") {}
    CHECK(space.admit(first_change(0, request_bytes, Journal::required)) == Admission::no_room);
    CHECK(space.waiting_bytes() == 0);
    CHECK(space.admit(first_change(0, request_bytes, Journal::needless)) == Admission::admitted);
    CHECK(space.admit(first_change(1, request_bytes, Journal::wanted)) ==
          Admission::admitted_risky);
    CHECK(space.waiting_bytes() == 2 * request_bytes);
}

TEST_CASE("holes of windows in the commit are for its streams alone") {
    RedoSpace space = make_space();
    end_search(space);
    REQUIRE(space.admit(first_change(3, request_bytes, Journal::needless)) == Admission::admitted);
    space.move_to_commit(request_bytes);
    space.offer_committing({3}, SectorMask::all());
    CHECK(space.room_bytes() == window_bytes - run_link_bytes);
    CHECK(space.admit(first_change(1, request_bytes, Journal::required)) == Admission::no_room);
    SECTION("they are holes as any others if nothing of the window waits") {
        space.unstaged({3});
        CHECK(space.room_bytes() == window_bytes - run_link_bytes);
        space.committed(request_bytes);
        CHECK(space.admit(first_change(1, request_bytes, Journal::required)) ==
              Admission::admitted_risky);
    }
    SECTION("and of no use if the window stays staged") {
        space.withdraw({3});
        CHECK(space.room_bytes() == 0);
    }
}

TEST_CASE("a search that has looked at all windows looks at few from then on") {
    constexpr std::uint64_t many = 1000;
    RedoSpace space(Geometry(BlockCounts{1, many * window_blocks}), std::uint64_t{64} << 20);
    const auto search = [&](const SectorMask& holes,
                            std::uint64_t most_again = RedoSpace::windows_of_another_tour) {
        std::uint64_t looked_at = 0;
        space.begin_search(RedoSpace::windows_a_commit, most_again);
        for (; const auto window = space.next_candidate(); ++looked_at)
            space.offer(*window, holes);
        space.end_search();
        return looked_at;
    };
    // Less than 8 sectors: a link would take much of it.
    const SectorMask short_hole = SectorMask::range(4, 4);
    CHECK(search(short_hole) == many);
    SECTION("and takes short holes if there is little room") {
        CHECK(space.room_bytes() == 0);
        // Without any room, it ends with enough for a commit; the next one takes what is left.
        const std::uint64_t looked_at = search(short_hole);
        CHECK_FALSE(space.cramped());
        CHECK(looked_at + search(short_hole) == many);
        CHECK(space.room_bytes() == many * (4 * sector_bytes - run_link_bytes));
    }
    SECTION("once more for short holes, and then by and by") {
        for (const std::uint64_t window : {1U, 2U, 3U, 4U, 5U})
            offer_all_of(space, window);
        end_search(space);
        CHECK(search({}) == many - 5);
        CHECK(search({}) == 64);
        CHECK(search({}, 3) == 3);
    }
    SECTION("what is offered later counts at once") {
        space.offer({7}, SectorMask::all());
        CHECK(space.room_bytes() == window_bytes - run_link_bytes);
    }
}
