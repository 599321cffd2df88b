// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/image_output.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstdio>
#include <vector>

#include "common/pack_report.hpp"
#include "common/target_run.hpp"
#include "insitu/error.hpp"
#include "insitu/open_store.hpp"
#include "mkfs/image_bytes.hpp"

namespace insitu::apps {

namespace {

void copy_to_stdout(const std::string& path, const StopFlag* stop) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) throw io_error({.file = path}, "cannot open", errno);
    std::vector<char> buffer(std::size_t{1} << 20);
    for (;;) {
        const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
        if (got < 0 && errno != EINTR) throw io_error({.file = path}, "cannot read", errno);
        if (got == 0) return;
        for (ssize_t done = 0; done < got;) {
            if (stop->requested()) throw Error(ErrorKind::cancelled, {}, "stopped before the end");
            const ssize_t now =
                ::write(STDOUT_FILENO, buffer.data() + done, static_cast<std::size_t>(got - done));
            if (now < 0 && errno == EINTR) continue;
            if (now < 0) throw io_error({.file = "standard output"}, "cannot write", errno);
            done += now;
        }
    }
}

// The smallest unit that a file system of this type is read and written in; 0: not known.
std::uint64_t unit_of(const std::string& type, const std::string& file) {
    const ImageBytes image(file, ImageBytes::Mode::read);
    constexpr std::uint64_t least_bytes = 4096;
    if (image.size_bytes() < least_bytes) return 0;
    const std::string head = image.read(0, least_bytes);
    if (type.starts_with("ext")) return std::uint64_t{1024} << little(head, 1024 + 24, 4);
    if (type == "xfs") return big(head, 102, 2);
    if (type == "vfat") return little(head, 11, 2);
    if (type == "erofs") return std::uint64_t{1} << little(head, 1024 + 12, 1);
    return 0;
}

}  // namespace

PackResult pack_file(Tool& tool, const MkfsArguments& arguments, const std::string& file,
                     Target& target) {
    const auto store = open_store(file, Access::read);
    const auto source = make_source(*store);
    PackOptions wanted = arguments.pack;
    wanted.target_content = target.content();
    if (arguments.verify) wanted.verify = PackOptions::Verify::yes;
    super_block_for_source(*source, target.store().size_bytes(), wanted.codec.algorithm,
                           target.store().name());
    begin_target(tool, target);
    PackResult result = pack(*source, target.store(), wanted, tool.control());
    commit_target(tool, target);
    return result;
}

int stream_image(Tool& tool, const MkfsArguments& arguments, const MadeFileSystem& made,
                 const Scratch& scratch) {
    const std::string image = scratch.file("image");
    PackResult result;
    {
        Target target(image, TargetKind::image, pack_target_bytes(made.size_bytes),
                      Target::Overwrite::refuse);
        result = pack_file(tool, arguments, made.file, target);
    }
    tool.end_progress();
    copy_to_stdout(image, tool.stop());
    report_result(tool, arguments, made, result, Report::to_stderr);
    return exit_done;
}

void report_result(Tool& tool, const MkfsArguments& arguments, const MadeFileSystem& made,
                   const PackResult& result, Report report) {
    const std::string& type = arguments.request.type;
    const PackReport facts{
        type, arguments.target, arguments.pack.codec.algorithm,
        arguments.verify ? PackReport::Kind::verified : PackReport::Kind::packed};
    std::string text;
    if (tool.common().json) {
        Json document = pack_json(facts, result, tool.seconds());
        document["file_system"] = type;
        document["file_system_bytes"] = made.size_bytes;
        if (report == Report::to_stdout) return tool.print_json(document);
        Json full;
        full["schema"] = "insitu-mkfs/1";
        full.update(document);
        text = full.dump(2) + "\n";
    } else if (!tool.common().quiet) {
        text = pack_text(facts, result, tool.seconds());
        if (report == Report::to_stdout) return tool.print(text);
    }
    std::fputs(text.c_str(), stderr);
}

int report_size(Tool& tool, const MkfsArguments& arguments, std::uint64_t size_bytes) {
    const std::uint64_t image_bytes = pack_target_bytes(size_bytes);
    if (tool.common().json) {
        Json document;
        document["file_system"] = arguments.request.type;
        document["file_system_bytes"] = size_bytes;
        document["image_bytes"] = image_bytes;
        document["dry_run"] = true;
        tool.print_json(document);
    } else {
        tool.print(fmt::format("{}: {} bytes, in an image of {} bytes at most\n",
                               arguments.request.type, size_bytes, image_bytes));
    }
    return exit_done;
}

void warn_of_sectors(const Tool& tool, const std::string& type, const std::string& file) {
    constexpr std::uint64_t device_sector = 4096;
    const std::uint64_t unit = unit_of(type, file);
    if (unit == 0 || unit >= device_sector) return;
    tool.note(
        fmt::format("note: this {} is made of units of {} bytes: it does not mount on the "
                    "driver's device, whose logical sectors have {}",
                    type, unit, device_sector));
}

}  // namespace insitu::apps
