// SPDX-License-Identifier: GPL-2.0-or-later
#include "pack/fat_rebuild.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <string_view>
#include <vector>

#include "common/process.hpp"
#include "common/temporary_file.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/store/file_store.hpp"

namespace insitu::apps {

namespace fs = std::filesystem;

namespace {

std::unique_ptr<FileStore> make_file(const std::string& path, std::uint64_t size_bytes) {
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd) throw io_error({.file = path}, "cannot create", errno);
    auto file = std::make_unique<FileStore>(std::move(fd), path);
    file->resize(size_bytes);
    return file;
}

// Same names, kinds and bytes; what differs first, or empty.
std::string difference(const fs::path& wanted, const fs::path& found) {
    const auto tree = [](const fs::path& top) {
        std::map<std::string, fs::directory_entry> entries;
        for (const auto& entry : fs::recursive_directory_iterator(top))
            entries.emplace(fs::relative(entry.path(), top).string(), entry);
        return entries;
    };
    const auto left = tree(wanted);
    const auto right = tree(found);
    for (const auto& [name, entry] : left) {
        const auto other = right.find(name);
        if (other == right.end() || entry.is_directory() != other->second.is_directory()) {
            return name;
        }
        if (entry.is_directory()) continue;
        std::ifstream a(entry.path(), std::ios::binary);
        std::ifstream b(other->second.path(), std::ios::binary);
        if (entry.file_size() != other->second.file_size() ||
            !std::equal(std::istreambuf_iterator<char>(a), {}, std::istreambuf_iterator<char>(b))) {
            return name;
        }
    }
    return left.size() == right.size() ? "" : "an additional file";
}

// mcopy does not keep the times of directories: each gets that of the newest file in it, so that
// the result does not depend on when it is made.
fs::file_time_type settle_times(const fs::path& directory) {
    constexpr std::chrono::sys_days first_day = std::chrono::year(1980) / 1 / 1;
    fs::file_time_type time = std::chrono::file_clock::from_sys(
        std::chrono::time_point_cast<std::chrono::seconds>(first_day));
    for (const auto& entry : fs::directory_iterator(directory)) {
        time = std::max(
            time, entry.is_directory() ? settle_times(entry.path()) : entry.last_write_time());
    }
    fs::last_write_time(directory, time);
    return time;
}

class FatRebuild {
  public:
    FatRebuild(const Tool& tool, const Store& disk, const Partition& partition,
               const std::string& directory)
        : tool_(tool), disk_(disk), partition_(partition), scratch_(directory, ".insitu-pack-") {}

    std::unique_ptr<Store> run() {
        const std::uint64_t size_bytes = partition_.end_byte - partition_.first_byte;
        extract(size_bytes);
        auto made = make_file(path("new"), size_bytes);
        make_empty();
        settle_times(path("tree"));
        std::vector<std::string> names;
        for (const auto& entry : fs::directory_iterator(path("tree")))
            names.push_back(entry.path().string());
        std::sort(names.begin(), names.end());
        if (!names.empty()) {
            std::vector<std::string> copy{"mcopy", "-s", "-p", "-m", "-Q", "-i", path("new")};
            copy.insert(copy.end(), names.begin(), names.end());
            copy.emplace_back("::/");
            call(copy);
        }
        fs::create_directory(path("again"));
        read_tree("new", "again");
        const std::string differs = difference(path("tree"), path("again"));
        if (!differs.empty()) refuse(fmt::format("{} is not what it was afterwards", differs));
        return made;
    }

  private:
    std::string path(const char* name) const { return scratch_.path() + "/" + name; }

    [[noreturn]] void refuse(const std::string& text) const {
        throw Error(ErrorKind::refused, {.file = disk_.name(), .byte = partition_.first_byte},
                    fmt::format("the FAT file system in {} cannot be made anew with sectors of {} "
                                "bytes: {}",
                                partition_text(partition_), large_sector_bytes, text));
    }

    void call(std::vector<std::string> arguments) const {
        const char* const epoch = tool_.world().variable("SOURCE_DATE_EPOCH");
        Command command;
        command.arguments = std::move(arguments);
        command.directory = scratch_.path();
        // The same bytes each time. mtools translates names from the character set of the locale.
        command.environment = {
            fmt::format("SOURCE_DATE_EPOCH={}", epoch != nullptr ? epoch : "315532800"),
            "MTOOLS_SKIP_CHECK=1", "LC_ALL=C.UTF-8"};
        const CommandResult result = run_command(command, tool_.stop());
        if (result.done()) return;
        const std::string text = result.output.substr(0, result.output.find('\n'));
        refuse(fmt::format("{}: {}", command.arguments.front(),
                           text.empty() ? fmt::format("status {}", result.status) : text));
    }

    void read_tree(const char* image, const char* directory) const {
        call({"mcopy", "-s", "-p", "-m", "-Q", "-n", "-i", path(image), "::/", path(directory)});
    }

    void extract(std::uint64_t size_bytes) {
        const auto old = make_file(path("old"), size_bytes);
        std::vector<std::byte> buffer(window_bytes);
        for (std::uint64_t at = disk_.next_data(partition_.first_byte); at < partition_.end_byte;
             at = disk_.next_data(at)) {
            const std::uint64_t length =
                std::min<std::uint64_t>(buffer.size(), partition_.end_byte - at);
            const ByteSpan now = ByteSpan(buffer).first(length);
            disk_.read_at(at, now);
            old->write_at(at - partition_.first_byte, now);
            at += length;
        }
        head_.resize(std::min<std::uint64_t>(small_sector_bytes, size_bytes));
        disk_.read_at(partition_.first_byte, head_);
        fs::create_directory(path("tree"));
        read_tree("old", "tree");
        fs::remove(path("old"));
    }

    // With the number and the label of its boot sector.
    void make_empty() const {
        constexpr std::size_t large_kind = 82;
        constexpr std::string_view kind = "FAT32";
        const bool is_32 =
            std::equal(kind.begin(), kind.end(), head_.begin() + large_kind,
                       [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
        const std::size_t number_at = is_32 ? 67 : 39;
        std::string label;
        for (std::size_t i = 0; i < 11; ++i)
            label.push_back(static_cast<char>(head_[number_at + 4 + i]));
        label.erase(label.find_last_not_of(' ') + 1);
        std::vector<std::string> make{
            "mkfs.vfat", "--invariant",
            "-S",        fmt::format("{}", large_sector_bytes),
            "-i",        fmt::format("{:08x}", load_number(head_, number_at, 4))};
        const bool has_label = !label.empty() && label != "NO NAME" && label.front() != '\0';
        if (has_label) make.insert(make.end(), {"-n", label});
        make.push_back(path("new"));
        call(make);
    }

    const Tool& tool_;
    const Store& disk_;
    const Partition& partition_;
    TemporaryDirectory scratch_;
    std::vector<std::byte> head_;
};

}  // namespace

bool can_rebuild_fat() {
    return !find_program("mcopy").empty() && !find_program("mkfs.vfat").empty();
}

std::unique_ptr<Store> rebuild_fat(const Tool& tool, const Store& disk, const Partition& partition,
                                   const std::string& directory) {
    try {
        return FatRebuild(tool, disk, partition, directory).run();
    } catch (const fs::filesystem_error& error) {
        throw io_error({.file = error.path1().string()}, "cannot read", error.code().value());
    }
}

}  // namespace insitu::apps
