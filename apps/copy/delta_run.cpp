// SPDX-License-Identifier: GPL-2.0-or-later
#include "copy/delta_run.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/paths.hpp"
#include "common/sizes.hpp"
#include "common/update_run.hpp"
#include "insitu/internal/ops/delta.hpp"
#include "insitu/internal/store/output_file.hpp"
#include "insitu/open_store.hpp"

namespace insitu::apps {

int write_delta(Tool& tool, const CopyArguments& arguments) {
    refuse_same_storage(arguments.source.path, arguments.delta, "the new image");
    refuse_same_storage(arguments.target, arguments.delta, "the old image");
    const ImageInput after(tool, arguments.source);
    const ImageInput before(tool, {arguments.target, arguments.source.ignore_size});
    OutputFile file(arguments.delta, 0,
                    {.mode_limit = mode_limit_of(tool.world(), arguments.source.path)});
    file.prepare();
    const DeltaResult result =
        make_delta(before.image(), after.image(), identity_for(arguments, after.store()),
                   file.store(), tool.control());
    const std::uint64_t bytes = delta_header_bytes + result.header.record_bytes;
    file.store().resize(bytes);
    file.commit();
    tool.end_progress();
    if (tool.common().json) {
        Json document;
        document["source"] = arguments.source.path;
        document["base"] = arguments.target;
        document["delta"] = arguments.delta;
        document["delta_bytes"] = bytes;
        document["payload_bytes"] = result.payload_bytes;
        document["windows"] = result.windows;
        document["base_hash"] = fmt::format("{:016x}", result.header.base_hash);
        document["result_hash"] = fmt::format("{:016x}", result.header.result_hash);
        document["seconds"] = tool.seconds();
        tool.print_json(document);
    } else if (!tool.common().quiet) {
        tool.print_report(fmt::format("{}: {} differ, {}\n", arguments.delta,
                                      counted(result.windows, "window"), human_bytes(bytes)));
    }
    return exit_done;
}

int apply_delta_file(Tool& tool, const CopyArguments& arguments) {
    refuse_same_storage(arguments.source.path, arguments.apply, "the image");
    const OwnedStore file = open_store(arguments.apply, Access::read);
    UpdateTarget target(tool, arguments.source.path);
    const UpdateTotals update =
        target.run([&] { return apply_delta(*file, target.store(), tool.control()); });
    target.finish(update);
    tool.end_progress();
    if (tool.common().json) {
        Json document;
        document["image"] = arguments.source.path;
        document["delta"] = arguments.apply;
        add_update(document, update);
        document["seconds"] = tool.seconds();
        tool.print_json(document);
    } else if (!tool.common().quiet) {
        tool.print_report(fmt::format("{}: {}\n", arguments.source.path, update_text(update)));
    }
    return exit_done;
}

}  // namespace insitu::apps
