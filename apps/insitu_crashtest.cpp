// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "common/choices.hpp"
#include "common/sizes.hpp"
#include "common/tool.hpp"
#include "insitu/check.hpp"
#include "testing/crash_test.hpp"
#include "tools.hpp"

using namespace insitu;
using namespace insitu::apps;

namespace {

// Keeps the first thing that fsck would have somebody look at.
class FirstFinding final : public FindingSink {
  public:
    void found(const Finding& finding) override {
        // What was overwritten or trimmed is left in unmapped blocks.
        if (finding.severity == Severity::note || finding.id == FindingId::m07) return;
        if (!text.empty()) return;
        text = fmt::format("fsck: {} at block {}: {}", kind_of(finding.id).name,
                           finding.block.value, finding.detail);
    }
    std::string text;
};

std::string fsck(const Store& image) {
    FirstFinding first;
    Control control;
    control.threads = 1;
    // Recovered, and its intents are still there.
    check(image, {.pending = PendingCheck::ignore}, first, control);
    return first.text;
}

int crashtest(Tool& tool, const CrashTestOptions& options) {
    const CrashTestResult result = crash_test(options, tool.control());
    tool.end_progress();
    if (tool.common().json) {
        Json document;
        document["seed"] = options.seed;
        document["runs"] = result.runs;
        document["writes"] = result.writes;
        document["syncs"] = result.syncs;
        document["states"] = result.states;
        document["recovered_states"] = result.recovered_states;
        document["recut_states"] = result.recut_states;
        document["checked_states"] = result.checked_states;
        document["unprotected_runs"] = result.unprotected_runs;
        document["refused_requests"] = result.refused_requests;
        document["violations"] = result.violations;
        document["examples"] = result.examples;
        tool.print_json(document);
    } else {
        for (const std::string& example : result.examples)
            tool.print_report(example + "\n");
        if (!tool.common().quiet) {
            tool.print_report(fmt::format(
                "{} runs, {} writes, {} syncs: {} states after a power cut, {} with an intent to "
                "apply, {} cut again while recovering, {} checked by fsck, in {:.0f} s\n"
                "{} runs with commits without a journal, {} requests refused for want of one\n"
                "{} violations\n",
                result.runs, result.writes, result.syncs, result.states, result.recovered_states,
                result.recut_states, result.checked_states, tool.seconds(), result.unprotected_runs,
                result.refused_requests, result.violations));
        }
    }
    return result.violations == 0 ? exit_done : exit_failed;
}

}  // namespace

int insitu::apps::run_crashtest(World world, int argc, char** argv) {
    Tool tool(std::move(world), "insitu-crashtest",
              "Cut the power of a live device in memory, in many ways, and check what is left");
    constexpr std::uint64_t most_states = std::uint64_t{1} << 40;
    constexpr std::uint64_t least_blocks = 64;
    constexpr std::uint64_t most_blocks = 65536;
    CrashTestOptions options;
    options.states = 100000;
    options.check = fsck;
    CLI::App& cli = tool.cli();
    cli.add_option("--states", options.states, "States to test, at least (default: 100000)")
        ->type_name("N")
        ->check(number_from(1, most_states));
    cli.add_option("--seed", options.seed,
                   "Start of the random numbers: the same seed, the same runs (default: 1)")
        ->type_name("N");
    cli.add_option("--blocks", options.blocks, "Blocks of the device (default: 256)")
        ->type_name("N")
        ->check(number_from(least_blocks, most_blocks));
    cli.add_option_function<std::string>(
           "--size",
           [&](const std::string& text) {
               options.blocks = ceil_div(parse_size(text, "--size"), block_bytes);
               if (options.blocks >= least_blocks && options.blocks <= most_blocks) return;
               throw CLI::ValidationError(
                   "--size", fmt::format("{} blocks: expected {} to {}", options.blocks,
                                         least_blocks, most_blocks));
           },
           "Size of the device, instead of --blocks")
        ->type_name("SIZE")
        ->excludes("--blocks");
    add_choice<CrashTestOptions::Fill>(
        cli, "--fill", options.fill,
        "What the device holds at the start: half of it is written, or all of it is random, so "
        "that "
        "the journal finds no hole: half, random (default: half)",
        "WHAT",
        {{"half", CrashTestOptions::Fill::half}, {"random", CrashTestOptions::Fill::random}});
    cli.add_option("--requests", options.requests, "Requests of a run (default: 60)")
        ->type_name("N")
        ->check(number_from(1, 100000));
    cli.add_option("--clients", options.clients,
                   "Clients at a time; with more than 1 no run can be repeated (default: 1)")
        ->type_name("N")
        ->check(number_from(1, 64));
    cli.add_option("--fsck-every", options.check_every,
                   "Let fsck check every N-th state as well (default: 1)")
        ->type_name("N")
        ->check(number_from(1, most_states));
    cli.add_flag(
        "--ignore-syncs", [&](std::int64_t) { options.syncs = CrashTestOptions::Syncs::ignored; },
        "Let syncs do nothing: shows that the test can fail");
    tool.add_json_option();
    tool.add_progress_option();
    return tool.run(argc, argv, [&] { return crashtest(tool, options); });
}
