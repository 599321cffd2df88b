// SPDX-License-Identifier: GPL-2.0-or-later
// What is particular to the tools that start programs or have two names, as functions: attach,
// detach, mkfs and crashtest.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <vector>

#include "support/catch.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_world.hpp"
#include "tools.hpp"

using namespace insitu;
using namespace insitu::test;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;
using Json = nlohmann::json;

namespace {

// A world whose attached images nobody else has.
class Place {
  public:
    Place() { world.variables["INSITU_RUN_DIR"] = path("run"); }
    std::string path(const std::string& name) const { return directory_.file(name); }
    std::string file(const std::string& name, const std::string& content) const {
        std::ofstream(path(name), std::ios::binary) << content;
        return path(name);
    }
    std::string content_of(const std::string& name) const {
        std::ifstream input(path(name), std::ios::binary);
        return {std::istreambuf_iterator<char>(input), {}};
    }

    TestWorld world;

  private:
    TemporaryDirectory directory_;
};

void check_refused(const Outcome& outcome, int status, const std::string& what) {
    CAPTURE(outcome.errors);
    CHECK(outcome.status == status);
    CHECK(outcome.output.empty());
    CHECK_THAT(outcome.errors, Contains(what));
}

}  // namespace

TEST_CASE("mount.insitu and umount.insitu are tools of their own, with mount's exit statuses") {
    Place place;
    place.world.called_as = "/sbin/mount.insitu";
    CHECK_THAT(place.world.run(apps::run_attach, {"--help"}).output,
               Contains("mount.insitu [OPTIONS] IMAGE MOUNTPOINT"));
    check_refused(place.world.run(apps::run_attach, {"image"}), 1, "mount.insitu: MOUNTPOINT");
    const Outcome missing = place.world.run(apps::run_attach, {place.path("image"), "/"});
    check_refused(missing, 32, place.path("image") + ": cannot open");
    CHECK(place.world.run(apps::run_attach, {"-f", place.path("image"), "/"}).status == 0);

    place.world.called_as = "/sbin/umount.insitu";
    CHECK_THAT(place.world.run(apps::run_detach, {"--help"}).output,
               Contains("umount.insitu [OPTIONS] DIRECTORY"));
    check_refused(place.world.run(apps::run_detach, {}), 2, "umount.insitu: DIRECTORY");
}

TEST_CASE("attach looks for attached images where the world's INSITU_RUN_DIR says") {
    Place place;
    const Outcome none = place.world.run(apps::run_attach, {"--list"});
    CAPTURE(none.errors);
    CHECK(none.status == 0);
    CHECK(none.output.empty());
    const Outcome listed = place.world.run(apps::run_attach, {"--list", "--json"});
    CHECK(Json::parse(listed.output)["attached"].empty());
    check_refused(place.world.run(apps::run_detach, {place.path("image")}), 1, "is not attached");

    // A folder that others may write to is not believed.
    fs::create_directory(place.path("run"));
    fs::permissions(place.path("run"), fs::perms::all);
    check_refused(place.world.run(apps::run_attach, {"--list"}), 1, "not believed");
    check_refused(place.world.run(apps::run_detach, {place.path("image")}), 1, "INSITU_RUN_DIR");
    place.world.variables.clear();
    if (::geteuid() != 0) {
        check_refused(place.world.run(apps::run_attach, {"--list"}), 1, "XDG_RUNTIME_DIR");
    }
}

TEST_CASE("options of attach are checked before anything is started") {
    Place place;
    const std::string image = place.file("image", "no image");
    check_refused(place.world.run(apps::run_attach, {"--partition", "129", image}), 2,
                  "--partition");
    check_refused(place.world.run(apps::run_attach, {"--sector-size", "1024", image}), 2,
                  "--sector-size");
    // Another word would reach nbdkit as an option of its own.
    for (const char* word : {"foo", "--run=true", "=1", "Key=1"}) {
        check_refused(place.world.run(apps::run_attach, {"--set", word, image}), 1,
                      "'" + std::string(word) + "' is not a parameter");
        check_refused(
            place.world.run(apps::run_attach, {"-o", std::string("insitu.") + word, image}), 1,
            "'" + std::string(word) + "' is not a parameter");
    }
    check_refused(place.world.run(apps::run_attach, {"-o", "partition=0", image}), 1,
                  "partition=0: expected a number from 1 to 128");
    check_refused(place.world.run(apps::run_attach, {"-o", "sector-size=513", image}), 1,
                  "expected 512 or 4096");
    check_refused(place.world.run(apps::run_attach, {image, place.path("nowhere")}), 1,
                  place.path("nowhere") + ": cannot mount there");
    check_refused(place.world.run(apps::run_attach, {"--config", place.path("none/x")}), 1,
                  place.path("none/x") + ": cannot open");
    const std::string two = place.file("two.conf", "/a none\n/b none\n");
    check_refused(place.world.run(apps::run_attach, {"--config", two}), 1, "expected one line");
    check_refused(place.world.run(apps::run_attach, {"--config", two, image}), 2,
                  "--config: names the image");
    const std::string of_nothing = place.file("of_nothing.conf", "# /a\n\n");
    check_refused(place.world.run(apps::run_detach, {"--config", of_nothing}), 1, "names no image");
    // With a file that names one: what is not attached is no failure, so that a unit can stop.
    const std::string good = place.file("good.conf", image + " none ro\n");
    CHECK(place.world.run(apps::run_detach, {"--config", good}).status == 0);
    CHECK_FALSE(fs::exists(place.path("run")));
}

TEST_CASE("mkfs packs what the world's input and variables say") {
    Place place;
    fs::create_directory(place.path("tree"));
    std::ofstream(place.path("tree/name")) << "content";
    const auto made = [&](const std::string& epoch) {
        place.world.variables["SOURCE_DATE_EPOCH"] = epoch;
        return place.world.run(apps::run_mkfs, {"-t", "ext4", "-d", place.path("tree"), "-"});
    };
    const Outcome first = made("1700000000");
    CAPTURE(first.errors);
    REQUIRE(first.status == 0);
    CHECK_THAT(first.errors, Contains("logical     8.0 MiB"));
    CHECK(place.world.run(apps::run_fsck, {"-q", place.file("streamed", first.output)}).status ==
          0);
    CHECK((made("1700000000").output == first.output));
    CHECK((made("1700000001").output != first.output));
    check_refused(made("yesterday"), 1, "SOURCE_DATE_EPOCH: is 'yesterday'");

    place.world.variables.clear();
    REQUIRE(std::system(
                ("tar -C " + place.path("tree") + " -cf " + place.path("tar") + " name").c_str()) ==
            0);
    place.world.input = place.content_of("tar");
    const Outcome from_tar =
        place.world.run(apps::run_mkfs, {"-q", "-t", "ext2", "-d", "-", place.path("of_tar")});
    CAPTURE(from_tar.errors);
    CHECK(from_tar.status == 0);
    CHECK(place.world.run(apps::run_fsck, {"-q", place.path("of_tar")}).status == 0);
    place.world.input = "this is no tar";
    check_refused(place.world.run(apps::run_mkfs, {"-t", "ext4", "-d", "-", place.path("new")}), 1,
                  "standard input: holds no tar");
    CHECK_FALSE(fs::exists(place.path("new")));
}

TEST_CASE("mkfs without a type is wrong, except as mkfs.insitu") {
    Place place;
    check_refused(place.world.run(apps::run_mkfs, {place.path("new"), "4M"}), 2, "--type");
    check_refused(place.world.run(apps::run_mkfs, {"-t", "ntfs", place.path("new"), "4M"}), 1,
                  "ntfs");
    check_refused(
        place.world.run(apps::run_mkfs, {"-t", "ext4", "-d", "/nowhere", place.path("new")}), 1,
        "/nowhere: is not a directory");
    CHECK_FALSE(fs::exists(place.path("new")));
    place.world.called_as = "mkfs.insitu";
    CHECK(place.world.run(apps::run_mkfs, {"-q", place.path("new"), "4M"}).status == 0);
    CHECK(place.world.run(apps::run_fsck, {"-q", place.path("new")}).status == 0);
}

TEST_CASE("a dry run of mkfs prints a size and writes nothing") {
    Place place;
    const Outcome outcome = place.world.run(
        apps::run_mkfs, {"-t", "ext4", "--dry-run", "--json", place.path("new"), "8M"});
    CHECK(outcome.status == 0);
    CHECK(Json::parse(outcome.output)["file_system_bytes"] == 8 << 20);
    CHECK_FALSE(fs::exists(place.path("new")));
}

TEST_CASE("crashtest fails if syncs do nothing") {
    TestWorld world;
    const std::vector<std::string> few{"--states",     "400", "--requests", "10",
                                       "--fsck-every", "100", "--json"};
    const Outcome sound = world.run(apps::run_crashtest, few);
    CHECK(sound.status == 0);
    CHECK(Json::parse(sound.output)["violations"] == 0);
    CHECK(Json::parse(sound.output)["states"] >= 400);
    std::vector<std::string> lying = few;
    lying.emplace_back("--ignore-syncs");
    const Outcome unsound = world.run(apps::run_crashtest, lying);
    CHECK(unsound.status == 1);
    CHECK(Json::parse(unsound.output)["violations"] > 0);
    CHECK(world.run(apps::run_crashtest, {"--size", "1M", "--blocks", "64"}).status == 2);
    check_refused(world.run(apps::run_crashtest, {"--size", "1K"}), 2, "--size: 1 blocks");
}
