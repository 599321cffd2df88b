// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/target_run.hpp"

#include <unistd.h>

#include "common/temporary_file.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/ops/stream_copy.hpp"
#include "insitu/internal/store/unnamed_file.hpp"

namespace insitu::apps {

namespace {

constexpr auto stdout_name = "standard output";

}  // namespace

void begin_target(Tool& tool, Target& target) {
    tool.say_on_failure(target.unfinished_state());
    target.prepare();
}

void commit_target(Tool& tool, Target& target) {
    target.commit();
    tool.say_on_failure({});
}

Target make_stdout_target(std::uint64_t size_bytes) {
    auto unnamed =
        std::make_unique<FileStore>(make_unnamed_file(temporary_directory("/tmp")), stdout_name);
    unnamed->resize(size_bytes);
    return Target(std::move(unnamed));
}

void begin_stdout_data(Tool& tool) {
    if (::isatty(tool.world().output_fd()) == 1) {
        throw Error(ErrorKind::refused, {.file = stdout_name},
                    "an image is not written to a terminal", "redirect it to a file or pipe");
    }
    tool.set_stdout_is_data();
}

void send_to_stdout(const Tool& tool, const Store& image) {
    copy_to_stream(image, tool.world().output_fd(), stdout_name, tool.stop());
}

}  // namespace insitu::apps
