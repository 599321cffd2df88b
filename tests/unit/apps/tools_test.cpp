// SPDX-License-Identifier: GPL-2.0-or-later
// The tools as functions: options, reports and progress, without a process for each.
#include "tools.hpp"

#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "support/catch.hpp"
#include "support/random_content.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_world.hpp"

using namespace insitu;
using namespace insitu::test;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;
using Json = nlohmann::json;

namespace {

// A directory with a raw file, an image of it, and the world of the tools that work on them.
class Workplace {
  public:
    Workplace() {
        Random random = make_random(1105);
        std::vector<std::byte> content = make_content(random, Content::mixed, 60 * block_bytes);
        content.resize(content.size() - 1000);
        raw_.assign(reinterpret_cast<const char*>(content.data()), content.size());
        std::ofstream(path("raw"), std::ios::binary) << raw_;
        pack("image");
    }

    std::string path(const std::string& name) const { return directory_.file(name); }
    const std::string& raw() const noexcept { return raw_; }

    void pack(const std::string& name) {
        TestWorld fresh;
        const Outcome packed = fresh.run(apps::run_pack, {"-q", path("raw"), path(name)});
        CAPTURE(packed.errors);
        REQUIRE(packed.status == 0);
    }
    std::string read(const std::string& name) const {
        std::ifstream file(path(name), std::ios::binary);
        std::ostringstream text;
        text << file.rdbuf();
        return text.str();
    }

    TestWorld world;

  private:
    TemporaryDirectory directory_;
    std::string raw_;
};

struct Tool {
    const char* name;
    TestWorld::Run run;
    // Arguments that are right, with a place for IMAGE, RAW and NEW; none: it starts servers.
    std::vector<std::string> right;
    int usage = 2;
    int failed = 1;
    int cancelled = 128 + SIGINT;
    bool takes_long = true;  // so that it looks whether it is to stop
};

const std::vector<Tool>& tools() {
    static const std::vector<Tool> all{
        {"insitu-attach", apps::run_attach, {}},
        {"insitu-copy", apps::run_copy, {"IMAGE", "NEW"}},
        {"insitu-crashtest",
         apps::run_crashtest,
         {"--states", "1", "--blocks", "64", "--requests", "4", "--fsck-every", "500"}},
        {"insitu-detach", apps::run_detach, {}},
        {"insitu-dump-meta", apps::run_dump_meta, {"IMAGE"}},
        {"insitu-format", apps::run_format, {"--size", "1M", "NEW"}, 2, 1, 130, false},
        {"insitu-fsck", apps::run_fsck, {"IMAGE"}, 16, 8, 32},
        {"insitu-label", apps::run_label, {"IMAGE"}, 2, 1, 130, false},
        {"insitu-mkfs", apps::run_mkfs, {"--type", "ext2", "NEW", "4M"}},
        {"insitu-pack", apps::run_pack, {"RAW", "NEW"}},
        {"insitu-resize", apps::run_resize, {"IMAGE", "4M"}, 2, 1, 130, false},
        {"insitu-stat", apps::run_stat, {"IMAGE"}},
        {"insitu-trim", apps::run_trim, {"--unused", "LIST", "IMAGE"}, 2, 1, 130, false},
        {"insitu-unpack", apps::run_unpack, {"IMAGE", "NEW"}},
    };
    return all;
}

// Those that a test can run to their end.
std::vector<Tool> working_tools() {
    std::vector<Tool> working = tools();
    std::erase_if(working, [](const Tool& tool) { return tool.right.empty(); });
    return working;
}

std::vector<std::string> arguments_of(const Workplace& place, const Tool& tool,
                                      std::vector<std::string> first = {}) {
    for (const std::string& word : tool.right) {
        if (word == "IMAGE") {
            first.push_back(place.path("image"));
        } else if (word == "RAW") {
            first.push_back(place.path("raw"));
        } else if (word == "NEW") {
            first.push_back(place.path("new"));
        } else if (word == "LIST") {
            std::ofstream(place.path("list")) << "0 8192\n";
            first.push_back(place.path("list"));
        } else {
            first.push_back(word);
        }
    }
    return first;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);)
        lines.push_back(line);
    return lines;
}

bool starts_with(const std::string& text, const std::string& start) {
    return text.compare(0, start.size(), start) == 0;
}

}  // namespace

TEST_CASE("each tool prints its help and its version on the output it was given") {
    for (const Tool& tool : tools()) {
        CAPTURE(tool.name);
        TestWorld world;
        const Outcome help = world.run(tool.run, {"--help"});
        CHECK(help.status == 0);
        CHECK_THAT(help.output, Contains("--quiet") && Contains(tool.name));
        CHECK(help.errors.empty());
        CHECK_THAT(help.output, !Contains("x)"));  // a count of CLI11
        const Outcome version = world.run(tool.run, {"--version"});
        CHECK(version.status == 0);
        CHECK(starts_with(version.output, std::string(tool.name) + " "));
    }
}

TEST_CASE("wrong usage has its status, a message and a hint, and prints nothing") {
    Workplace place;
    for (const Tool& tool : tools()) {
        const std::vector<std::vector<std::string>> wrong{
            arguments_of(place, tool, {"--no-such-option"}),
            arguments_of(place, tool, {"--threads", "many"}),
            {},
        };
        for (const auto& arguments : wrong) {
            if (arguments.empty() && tool.run == apps::run_crashtest) continue;  // asks for nothing
            CAPTURE(tool.name, arguments.size());
            const Outcome outcome = place.world.run(tool.run, arguments);
            CHECK(outcome.status == tool.usage);
            CHECK(outcome.output.empty());
            CHECK(starts_with(outcome.errors, std::string(tool.name) + ": "));
            CHECK_THAT(outcome.errors, Contains("hint: "));
        }
    }
    CHECK_FALSE(fs::exists(place.path("new")));
}

TEST_CASE("a file that is not there is named on the errors") {
    Workplace place;
    const std::string missing = place.path("missing");
    for (const Tool& tool : tools()) {
        std::vector<std::string> arguments = arguments_of(place, tool);
        if (arguments.empty()) arguments.push_back(missing);
        CAPTURE(tool.name);
        for (std::string& word : arguments) {
            if (word == place.path("image") || word == place.path("raw")) word = missing;
        }
        if (std::find(arguments.begin(), arguments.end(), missing) == arguments.end()) continue;
        const Outcome outcome = place.world.run(tool.run, arguments);
        CHECK(outcome.status == tool.failed);
        CHECK_THAT(outcome.errors, Contains(missing));
        CHECK(outcome.output.empty());
    }
    CHECK_FALSE(fs::exists(place.path("new")));
}

TEST_CASE("a report as JSON is one document with its schema") {
    for (const Tool& tool : working_tools()) {
        CAPTURE(tool.name);
        Workplace place;
        const Outcome outcome = place.world.run(tool.run, arguments_of(place, tool, {"--json"}));
        CAPTURE(outcome.errors);
        CHECK(outcome.status == 0);
        const Json document = Json::parse(outcome.output, nullptr, false);
        REQUIRE(document.is_object());
        CHECK(starts_with(document["schema"].get<std::string>(), std::string(tool.name) + "/"));
        // The same for people; and nothing if they want to be left alone.
        Workplace another;
        CHECK(another.world.run(tool.run, arguments_of(another, tool)).status == 0);
        Workplace third;
        const Outcome quiet = third.world.run(tool.run, arguments_of(third, tool, {"-q"}));
        CHECK(quiet.status == 0);
        CHECK(quiet.errors.empty());
        if (tool.run != apps::run_dump_meta) CHECK(quiet.output.empty());
    }
}

TEST_CASE("a full output is a failure of every tool that prints") {
    for (const Tool& tool : working_tools()) {
        CAPTURE(tool.name);
        Workplace place;
        place.world.output_is_full = true;
        const Outcome outcome = place.world.run(tool.run, arguments_of(place, tool, {"--json"}));
        CHECK(outcome.status == tool.failed);
        CHECK_THAT(outcome.errors, Contains("standard output: cannot write"));
    }
}

TEST_CASE("progress comes as events on the errors") {
    for (const Tool& tool : working_tools()) {
        if (tool.run == apps::run_label) continue;  // has nothing to wait for
        CAPTURE(tool.name);
        Workplace place;
        const Outcome outcome =
            place.world.run(tool.run, arguments_of(place, tool, {"--progress", "json"}));
        CAPTURE(outcome.errors);
        CHECK(outcome.status == 0);
        const auto lines = lines_of(outcome.errors);
        REQUIRE_FALSE(lines.empty());
        for (const std::string& line : lines) {
            const Json event = Json::parse(line, nullptr, false);
            REQUIRE(event.is_object());
            CHECK(event["schema"] == "insitu-progress/1");
            CHECK(event["tool"] == tool.name);
        }
        const Json end = Json::parse(lines.back());
        CHECK(end["event"] == "end");
        // What is done in a moment has no total.
        if (!end["total_bytes"].is_null()) CHECK(end["done_bytes"] == end["total_bytes"]);
    }
}

TEST_CASE("a signal that came stops the work, and leaves no target") {
    for (const Tool& tool : working_tools()) {
        if (!tool.takes_long) continue;
        CAPTURE(tool.name);
        Workplace place;
        place.world.signals.stop_signal = SIGINT;
        place.world.signals.stop.request();
        const Outcome outcome = place.world.run(tool.run, arguments_of(place, tool));
        CAPTURE(outcome.errors);
        CHECK(outcome.status == tool.cancelled);
        CHECK_FALSE(fs::exists(place.path("new")));
        // Another world is not stopped by it.
        TestWorld calm;
        CHECK(calm.run(apps::run_stat, {"-q", place.path("image")}).status == 0);
    }
}

TEST_CASE("a stream is packed from the input and unpacked to the output") {
    Workplace place;
    place.world.input = place.raw();
    const Outcome packed = place.world.run(apps::run_pack, {"-", place.path("streamed")});
    CAPTURE(packed.errors);
    CHECK(packed.status == 0);
    CHECK((place.read("streamed") == place.read("image")));
    const Outcome unpacked =
        place.world.run(apps::run_unpack,
                        {"--length", std::to_string(place.raw().size()), place.path("image"), "-"});
    CHECK(unpacked.status == 0);
    CHECK((unpacked.output == place.raw()));
    place.world.input.clear();
    const Outcome empty = place.world.run(apps::run_pack, {"-", place.path("empty")});
    CHECK(empty.status == 1);
    CHECK_THAT(empty.errors, Contains("standard input") && Contains("hint: "));
}

TEST_CASE("the environment is that of the world") {
    Workplace place;
    const auto uuid_of = [&](const std::string& epoch) {
        if (!epoch.empty()) place.world.variables["SOURCE_DATE_EPOCH"] = epoch;
        const Outcome made = place.world.run(
            apps::run_format, {"--json", "--force", "--size", "1M", place.path("formatted")});
        REQUIRE(made.status == 0);
        return Json::parse(made.output)["uuid"].get<std::string>();
    };
    CHECK(uuid_of("") != uuid_of(""));
    const std::string fixed = uuid_of("1700000000");
    CHECK(fixed == uuid_of("1700000000"));
    CHECK(fixed != uuid_of("1700000001"));

    place.world.run(apps::run_format, {"-q", "--size", "64M", place.path("large")});
    const auto map_with = [&](const char* name, const char* value) {
        place.world.variables = {{name, value}};
        return place.world.run(apps::run_stat, {"--map", place.path("large")}).output;
    };
    CHECK(map_with("COLUMNS", "20") != map_with("COLUMNS", "100"));
    const auto is_ascii = [](const std::string& text) {
        return std::all_of(text.begin(), text.end(),
                           [](char letter) { return static_cast<unsigned char>(letter) < 128; });
    };
    CHECK(is_ascii(map_with("LANG", "C")));
    CHECK_FALSE(is_ascii(map_with("LANG", "C.UTF-8")));
}

TEST_CASE("a copy, a name and a check see each other's work") {
    Workplace place;
    const auto run = [&](TestWorld::Run tool, std::vector<std::string> arguments) {
        const Outcome outcome = place.world.run(tool, std::move(arguments));
        CAPTURE(outcome.errors);
        CHECK(outcome.status == 0);
        return outcome.output.empty() ? Json() : Json::parse(outcome.output, nullptr, false);
    };
    run(apps::run_label, {"-q", place.path("image"), "a name"});
    run(apps::run_copy, {"-q", place.path("image"), place.path("new")});
    CHECK(run(apps::run_label, {"--json", place.path("new")})["label"] == "a name");
    CHECK(run(apps::run_resize, {"--json", place.path("new"), "8M"})["logical_bytes"] >= 8 << 20);
    CHECK(run(apps::run_stat, {"--json", place.path("new")})["label"] == "a name");
    run(apps::run_fsck, {"-q", place.path("new")});
    std::fstream(place.path("new"), std::ios::in | std::ios::out | std::ios::binary).seekp(4096)
        << "\xff\xff\xff";
    const Outcome damaged = place.world.run(apps::run_fsck, {place.path("new")});
    CHECK(damaged.status == 4);
    CHECK_THAT(damaged.output, Contains("M0"));
}
