// SPDX-License-Identifier: GPL-2.0-or-later
#include "nbdkit/live_status.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "common/printable.hpp"

namespace insitu::nbd {

std::string live_status(const Parameters& parameters, const Device& device, unsigned connections) {
    const DeviceStatus status = device.status();
    const DeviceCounters& counters = status.counters;
    std::string text = "image " + apps::printable(parameters.path) + "\n";
    const auto add = [&](const char* key, std::uint64_t value) {
        text += fmt::format("{} {}\n", key, value);
    };
    add("server_pid", static_cast<std::uint64_t>(::getpid()));
    add("read_only", parameters.options.access == Access::read ? 1 : 0);
    add("logical_bytes", device.size_bytes());
    add("connections", connections);
    add("waiting_bytes", status.waiting_bytes);
    add("waiting_limit_bytes", status.cache_bytes);
    add("durable", status.durable ? 1 : 0);
    add("pending_intent", status.intent_pending ? 1 : 0);
    add("journal_room_bytes", status.journal_room_bytes);
    add("journal_cramped", status.journal_cramped ? 1 : 0);
    add("read_requests", counters.read_requests);
    add("write_requests", counters.write_requests);
    add("uncompressed_bytes", counters.uncompressed_bytes);
    add("compressed_bytes", counters.compressed_bytes);
    add("encoded_bytes", counters.encoded_bytes);
    add("meta_bytes", counters.meta_bytes);
    add("journal_bytes", counters.journal_bytes);
    add("rewritten_extents", counters.rewritten_extents);
    add("commits", counters.commits);
    add("unprotected_commits", counters.unprotected_commits);
    add("failed_commits", counters.failed_commits);
    add("recovered_windows", counters.recovered_windows);
    add("compacted_windows", counters.compacted_windows);
    add("cache_hits", status.cache_hits);
    add("cache_misses", status.cache_misses);
    return text;
}

}  // namespace insitu::nbd
