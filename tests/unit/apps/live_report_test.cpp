// SPDX-License-Identifier: GPL-2.0-or-later
// insitu-stat --live, and servers that are not as it expects them.
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "insitu/internal/store/unique_fd.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_world.hpp"
#include "tools.hpp"

using namespace insitu;
using namespace insitu::test;

namespace {

// A control socket that takes one client, and gives it an answer.
class FakeServer {
  public:
    explicit FakeServer(int backlog = 1) : listener_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
        const sockaddr_un address = name();
        REQUIRE(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address),
                       sizeof address) == 0);
        REQUIRE(::listen(listener_.get(), backlog) == 0);
    }
    ~FakeServer() {
        if (thread_.joinable()) thread_.join();
    }
    FakeServer(const FakeServer&) = delete;
    FakeServer& operator=(const FakeServer&) = delete;

    std::string path() const { return directory_.file("control"); }

    void answer(const std::string& text) {
        thread_ = std::thread([this, text] {
            const UniqueFd client(::accept(listener_.get(), nullptr, nullptr));
            char request[64];
            (void)!::recv(client.get(), request, sizeof request, 0);
            (void)!::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL);
        });
    }

    // A byte now and then, until the client has gone.
    void drip() {
        thread_ = std::thread([this] {
            const UniqueFd client(::accept(listener_.get(), nullptr, nullptr));
            while (::send(client.get(), "x", 1, MSG_NOSIGNAL) == 1)
                std::this_thread::sleep_for(std::chrono::milliseconds(200));
        });
    }

    // A client that is never accepted.
    UniqueFd connect() const {
        UniqueFd client(::socket(AF_UNIX, SOCK_STREAM, 0));
        const sockaddr_un address = name();
        REQUIRE(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address),
                          sizeof address) == 0);
        return client;
    }

  private:
    sockaddr_un name() const {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path().data(), path().size());
        return address;
    }

    TemporaryDirectory directory_;
    UniqueFd listener_;
    std::thread thread_;
};

Outcome ask(const std::string& answer, const std::vector<std::string>& options) {
    FakeServer server;
    server.answer(answer);
    TestWorld world;
    std::vector<std::string> arguments{"--live", server.path()};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return world.run(apps::run_stat, arguments);
}

const std::string whole_answer =
    "image /a \"quoted\" \\name\nserver_pid 7\nread_only 0\nlogical_bytes 4096\nconnections 1\n"
    "waiting_bytes 5\nwaiting_limit_bytes 9\ndurable 0\npending_intent 1\njournal_room_bytes 3\n"
    "journal_cramped 0\nread_requests 1\nwrite_requests 2\nuncompressed_bytes 3\n"
    "compressed_bytes 4\nencoded_bytes 5\nmeta_bytes 6\njournal_bytes 7\nrewritten_extents 8\n"
    "commits 9\nunprotected_commits 10\nfailed_commits 11\nrecovered_windows 12\n"
    "compacted_windows 13\ncache_hits 14\ncache_misses 15\n";

}  // namespace

TEST_CASE("a server that never answers is given up after --timeout") {
    const FakeServer server;
    TestWorld world;
    const Outcome outcome = world.run(apps::run_stat, {"--live", "--timeout", "1", server.path()});
    CHECK(outcome.status == 1);
    CHECK(outcome.output.empty());
    CHECK_THAT(outcome.errors, Catch::Matchers::Contains("the server has not answered for 1 s"));
}

TEST_CASE("so is one that takes no clients any more") {
    const FakeServer server(0);
    const UniqueFd first = server.connect();  // the queue is full
    TestWorld world;
    const Outcome outcome = world.run(apps::run_stat, {"--live", "--timeout", "1", server.path()});
    CHECK(outcome.status == 1);
    CHECK_THAT(outcome.errors, Catch::Matchers::Contains("the server has not answered for 1 s"));
}

TEST_CASE("and one whose answer does not end") {
    FakeServer server;
    server.drip();
    TestWorld world;
    const Outcome outcome = world.run(apps::run_stat, {"--live", "--timeout", "1", server.path()});
    CHECK(outcome.status == 1);
    CHECK_THAT(outcome.errors, Catch::Matchers::Contains("the server has not answered for 1 s"));
}

TEST_CASE("--timeout is from a second to an hour, and for --live") {
    TestWorld world;
    CHECK(world.run(apps::run_stat, {"--live", "--timeout", "0", "image"}).status == 2);
    CHECK(world.run(apps::run_stat, {"--live", "--timeout", "3601", "image"}).status == 2);
    CHECK(world.run(apps::run_stat, {"--timeout", "1", "image"}).status == 2);
}

// https://prometheus.io/docs/instrumenting/exposition_formats and .../practices/naming
TEST_CASE("what a monitor reads keeps the rules of its format") {
    const Outcome outcome = ask(whole_answer, {"--prometheus"});
    CAPTURE(outcome.errors);
    REQUIRE(outcome.status == 0);
    std::istringstream lines(outcome.output);
    std::map<std::string, std::string> samples;
    for (std::string help; std::getline(lines, help);) {
        CAPTURE(help);
        std::string type;
        std::string sample;
        REQUIRE(std::getline(lines, type));
        REQUIRE(std::getline(lines, sample));
        REQUIRE(help.starts_with("# HELP insitu_device_"));
        std::istringstream words(help);
        std::string name;
        words >> name >> name >> name;
        // A term or sentence: capital letter, full stop, nothing that would need an escape.
        const std::string text = help.substr(help.find(name) + name.size() + 1);
        CHECK((text.size() > 10 && text[0] >= 'A' && text[0] <= 'Z' && text.back() == '.'));
        CHECK(text.find('\\') == std::string::npos);
        CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos);
        const bool counts = name.ends_with("_total");
        CHECK(type == "# TYPE " + name + (counts ? " counter" : " gauge"));
        const std::string label = R"({image="/a \"quoted\" \\name"} )";
        REQUIRE(sample.starts_with(name + label));
        CHECK(samples.emplace(name, sample.substr(name.size() + label.size())).second);
    }
    CHECK(samples.size() ==
          std::size_t(std::count(whole_answer.begin(), whole_answer.end(), '\n')) - 1);
    CHECK(samples["insitu_device_failed_commits_total"] == "11");
    CHECK(samples["insitu_device_durable"] == "0");
    CHECK(samples["insitu_device_waiting_bytes"] == "5");
}

TEST_CASE("a server of an earlier version is asked as well") {
    const std::string line = "failed_commits 11\n";
    std::string answer = whole_answer;
    answer.erase(answer.find(line), line.size());
    const auto live = nlohmann::json::parse(ask(answer, {"--json"}).output)["live"];
    CHECK(live["unprotected_commits"] == 10);
    CHECK(!live.contains("failed_commits"));
    CHECK(nlohmann::json::parse(ask(whole_answer, {"--json"}).output)["live"]["failed_commits"] ==
          11);
    CHECK_THAT(ask("image /a\n", {}).errors, Catch::Matchers::Contains("control=PATH is meant"));
}
