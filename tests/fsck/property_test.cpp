// SPDX-License-Identifier: GPL-2.0-or-later
// Images as the driver leaves them, damage as it befalls them: what a check tells, and what a
// repair may and may not do. INSITU_ROUNDS=N in the environment makes N times as many of them, and
// INSITU_FIRST=N begins with that one (tests/fsck/soak.sh).
#include <fmt/format.h>

#include <cstdlib>

#include "fsck/oracle.hpp"
#include "support/catch.hpp"
#include "support/sanitizer.hpp"

using namespace insitu;
using namespace insitu::test;

namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* text = std::getenv(variable);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::uint64_t rounds() {
    return number_from("INSITU_ROUNDS", 1);
}

void try_many(Harm harm, std::uint64_t count, const RepairOptions& options = {}) {
    tally() = {};
    for (std::uint64_t number = number_from("INSITU_FIRST", 0);
         number < rounds_of(count) * rounds(); ++number) {
        Random random = make_random(1000 * static_cast<std::uint64_t>(harm) + 100000 * number);
        INFO("image " << number << " of harm " << static_cast<int>(harm));
        const Victim victim = make_victim(random, harm);
        judge(victim, options, static_cast<unsigned>(1 + number % 2), random);
    }
    const Tally& sums = tally();
    fmt::print(
        "harm {}: {} images, {} repaired; of {} unreadable blocks {} regained ({} of "
        "them the newest), {} lost, {} suspect, {} undecided; {} torn, {} cut off\n",
        static_cast<int>(harm), sums.images, sums.repaired, sums.unreadable, sums.regained,
        sums.newest, sums.lost, sums.suspect, sums.undecided, sums.torn, sums.cut);
}

}  // namespace

TEST_CASE("an image of the driver is clean, and no repair finds anything to do") {
    for (std::uint64_t number = 0; number < 8 * rounds(); ++number) {
        Random random = make_random(number);
        const Victim victim = make_victim(random, Harm::none);
        Told told;
        const TestDevice device(victim.image);
        CheckOptions options;
        REQUIRE(check(device, options, told, {.threads = 1}).clean());
        INFO(number);
        REQUIRE(told.findings.empty());
        judge(victim, {}, 1, random);
    }
}

TEST_CASE("after a power cut a repair touches nothing that reads and reports what it guesses") {
    try_many(Harm::power_cut, 30);
}

TEST_CASE("a write that failed half-way is repaired") {
    try_many(Harm::half_write, 15);
}

TEST_CASE("damaged meta is made anew from the payloads") {
    try_many(Harm::meta, 20);
}

TEST_CASE("damaged sectors cost the blocks that they hold") {
    try_many(Harm::sectors, 8);
}

TEST_CASE("a file that ends early keeps what it has") {
    try_many(Harm::cut_file, 4);
}

TEST_CASE("several kinds of damage at once are told apart") {
    try_many(Harm::any_mixture, 25);
}

TEST_CASE("the options of a repair keep its promises") {
    RepairOptions safe;
    safe.scope = RepairOptions::Scope::safe;
    try_many(Harm::any_mixture, 4, safe);
    RepairOptions salvage;
    salvage.salvage = true;
    try_many(Harm::any_mixture, 8, salvage);
    RepairOptions trusting;
    trusting.trust_payloads = true;
    try_many(Harm::any_mixture, 8, trusting);
    RepairOptions rebuild;
    rebuild.rebuild_meta = true;
    try_many(Harm::meta, 5, rebuild);
}
