// SPDX-License-Identifier: GPL-2.0-or-later
// The new manifest and the new image appear together, or the old ones stay.
#include "common/manifest_writer.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

using namespace insitu;
using namespace insitu::apps;
using namespace insitu::test;

namespace {

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::size_t files_in(const std::string& path) {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path), {}));
}

void publish(ManifestWriter& writer) {
    writer.publish(Geometry(counts_for_device(64 * block_bytes)), Algorithm::lzo, 4096, {});
}

}  // namespace

TEST_CASE("a manifest whose image does not follow is taken back") {
    TemporaryDirectory directory;
    const std::string path = directory.file("m.json");
    std::ofstream(path) << "old";
    {
        ManifestWriter writer(path, RawSum::automatic, nullptr);
        publish(writer);
        CHECK(text_of(path).find("insitu-manifest/2") != std::string::npos);
    }
    CHECK(text_of(path) == "old");
    CHECK(files_in(directory.path()) == 1);
}

TEST_CASE("a first manifest whose image does not follow goes") {
    TemporaryDirectory directory;
    {
        ManifestWriter writer(directory.file("m.json"), RawSum::automatic, nullptr);
        publish(writer);
        CHECK(files_in(directory.path()) == 1);
    }
    CHECK(files_in(directory.path()) == 0);
}

TEST_CASE("a manifest that is kept replaces the old one, also behind a link") {
    TemporaryDirectory directory;
    const std::string path = directory.file("m.json");
    std::ofstream(path) << "old";
    std::filesystem::create_symlink("m.json", directory.file("link"));
    {
        ManifestWriter writer(directory.file("link"), RawSum::automatic, nullptr);
        publish(writer);
        writer.keep();
    }
    CHECK(text_of(path).find("insitu-manifest/2") != std::string::npos);
    CHECK(std::filesystem::is_symlink(directory.file("link")));
    CHECK(files_in(directory.path()) == 2);
}
