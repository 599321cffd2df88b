// SPDX-License-Identifier: GPL-2.0-or-later
// nbdkit insitu IMAGE: the live device over NBD. One device, however many clients; this file only
// translates between nbdkit's calls and the library's.
#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string>

#include "common/printable.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/device/device.hpp"
#include "insitu/open_store.hpp"
#include "nbdkit/control_server.hpp"
#include "nbdkit/full_disk.hpp"
#include "nbdkit/live_status.hpp"
#include "nbdkit/parameters.hpp"
#include "nbdkit/server_options.hpp"
#include "nbdkit/shutdown_watch.hpp"
#include "nbdkit/work_limit.hpp"

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

using namespace insitu;
using namespace insitu::nbd;
using insitu::apps::printable;

// nbdkit's own switch of what -v prints of every request.
extern "C" __attribute__((weak, visibility("default"))) int nbdkit_debug_backend_datapath;

namespace {

struct Plugin {
    Parameters parameters;
    WorkLimit limit;
    FullDisk full_disk;
    std::unique_ptr<Store> store;
    std::unique_ptr<Device> device;
    std::atomic<unsigned> connections{0};
    ControlServer control;
    ShutdownWatch shutdown;
};
Plugin plugin;

bool may_write() {
    return plugin.parameters.options.access == Access::read_write;
}

bool is_denied(const Error& error) {
    return error.os_error() == EACCES || error.os_error() == EPERM || error.os_error() == EROFS;
}

int fail(int os_error) {
    nbdkit_set_error(os_error);
    errno = os_error;
    return -1;
}

int report(const std::string& message, int os_error) {
    nbdkit_error("%s", message.c_str());
    return fail(os_error);
}

std::string text_of(const Error& error) {
    const std::string hint = is_full_disk(error) ? full_disk_hint : error.hint();
    return error.what() + (hint.empty() ? "" : " (" + hint + ")");
}

void warn(DeviceWarning kind, const std::string& text) {
    if (kind == DeviceWarning::full_disk && !plugin.full_disk.is_news()) return;
    nbdkit_error("warning: %s: %s", plugin.parameters.path.c_str(), text.c_str());
}

// Says what went wrong. Call it from a handler.
int report_exception() {
    try {
        throw;
    } catch (const Error& error) {
        const int code = error.os_error() != 0                ? error.os_error()
                         : error.kind() == ErrorKind::refused ? EINVAL
                                                              : EIO;
        if (is_full_disk(error) && !plugin.full_disk.is_news()) return fail(code);
        return report(text_of(error), code);
    } catch (const std::bad_alloc&) {
        nbdkit_error("out of memory");
        return fail(ENOMEM);
    } catch (const std::exception& error) {
        return report(error.what(), EIO);
    }
}

// No exception may reach nbdkit, not even for want of memory to say what another was.
template <class Work>
int guarded(Work work) noexcept {
    try {
        work();
        return 0;
    } catch (...) {
        try {
            return report_exception();
        } catch (...) {
            return fail(ENOMEM);
        }
    }
}

template <class Work>
int request(Work work) noexcept {
    return guarded([&] {
        plugin.limit.enter();
        struct Leave {
            ~Leave() { plugin.limit.leave(); }
        } leave;
        work(*plugin.device);
    });
}

Device::Durability durability(std::uint32_t flags) noexcept {
    return (flags & NBDKIT_FLAG_FUA) != 0 ? Device::Durability::fua : Device::Durability::later;
}

int insitu_config(const char* key, const char* value) {
    return set_parameter(plugin.parameters, key, value);
}

int insitu_config_complete() {
    plugin.limit.set(plugin.parameters.most_requests);
    return check_complete(plugin.parameters);
}

// An image that one may only read is served for reading; who wants to write to it is refused then.
std::unique_ptr<Store> open_image_store() {
    Parameters& parameters = plugin.parameters;
    if (server_options().read_only) parameters.options.access = Access::read;
    try {
        return open_store(parameters.path, parameters.options.access);
    } catch (const Error& error) {
        if (!may_write() || !is_denied(error)) throw;
        auto store = open_store(parameters.path, Access::read);
        parameters.options.access = Access::read;
        return store;
    }
}

// nbdkit would only say that an address is in use.
void explain_socket_in_the_way(const std::string& socket) {
    if (socket.empty() || socket == "-") return;
    const SocketState state = socket_state(socket);
    if (state == SocketState::stale) {
        throw Error(ErrorKind::refused, {.file = socket}, "a server that is gone left this socket",
                    "rm it, and start again");
    }
    if (state == SocketState::alive) {
        throw Error(ErrorKind::refused, {.file = socket}, "another server answers there");
    }
}

// A word for who asks on the control socket.
template <class Work>
std::string outcome(const char* done, Work work) {
    try {
        work();
        return done;
    } catch (const Error& error) {
        report(text_of(error), EIO);
        return "failed " + printable(text_of(error));
    } catch (const std::exception& error) {
        report(error.what(), EIO);
        return "failed " + printable(error.what());
    }
}

// Opened before the fork, so that an error is the command's; threads wait for after_fork.
int insitu_get_ready() {
    return guarded([] {
        const ServerOptions server = server_options();
        explain_socket_in_the_way(server.socket);
        // -v is for what happens, not for each request, unless they are asked for.
        if (&nbdkit_debug_backend_datapath != nullptr && !server.traces_requests) {
            nbdkit_debug_backend_datapath = 0;
        }
        plugin.store = open_image_store();
        plugin.parameters.options.warn = warn;
        plugin.device = std::make_unique<Device>(*plugin.store, plugin.parameters.options);
        const auto windows = plugin.device->status().counters.recovered_windows;
        if (windows != 0) {
            nbdkit_debug("%s: recovered %lu windows of an interrupted run",
                         plugin.parameters.path.c_str(), static_cast<unsigned long>(windows));
        }
        if (!plugin.parameters.control.empty()) plugin.control.open(plugin.parameters.control);
    });
}

int insitu_after_fork() {
    return guarded([] {
        plugin.device->start_commits();
        plugin.control.start(
            {[] { return live_status(plugin.parameters, *plugin.device, plugin.connections); },
             [] { return outcome("done", [] { plugin.device->flush(); }); }});
        // What was acknowledged is durable before anybody loses patience.
        plugin.shutdown.start(
            [] {
                if (may_write()) (void)guarded([] { plugin.device->flush(); });
            },
            plugin.parameters.control);
    });
}

void insitu_cleanup() {
    if (!plugin.device) return;
    plugin.shutdown.stop();
    plugin.control.stop();
    const std::string word = outcome("closed", [] { plugin.device->close(); });
    const bool is_closed = word == "closed";
    const DeviceCounters c = plugin.device->status().counters;
    const std::string text = fmt::format(
        "{} {} {} reads={} writes={} rewritten={} encoded={} journal={} commits={} unprotected={} "
        "failed={} recovered={} compacted={}",
        c.uncompressed_bytes, c.compressed_bytes, c.meta_bytes, c.read_requests, c.write_requests,
        c.rewritten_extents, c.encoded_bytes, c.journal_bytes, c.commits, c.unprotected_commits,
        c.failed_commits, c.recovered_windows, c.compacted_windows);
    nbdkit_debug("%s", text.c_str());
    plugin.device.reset();
    plugin.store.reset();
    plugin.control.finish(word);
    // nbdkit has no way to end with another status, and whoever started it must not take this for
    // success: what was acknowledged is not in the image.
    if (!is_closed) ::_exit(EXIT_FAILURE);
}

void* insitu_open(int) {
    ++plugin.connections;
    return NBDKIT_HANDLE_NOT_NEEDED;
}

// The last client that leaves may never come back to flush.
void insitu_close(void*) {
    if (--plugin.connections != 0 || !may_write()) return;
    (void)guarded([] { plugin.device->flush(); });
}

std::int64_t insitu_get_size(void*) {
    return static_cast<std::int64_t>(plugin.device->size_bytes());
}

int insitu_block_size(void*, std::uint32_t* minimum, std::uint32_t* preferred,
                      std::uint32_t* maximum) {
    constexpr std::uint32_t largest_request = 32U << 20;
    *minimum = 1;
    *preferred = block_bytes;
    *maximum = largest_request;
    return 0;
}

int insitu_can_write(void*) {
    return may_write() ? 1 : 0;
}

int yes(void*) {
    return 1;
}

int insitu_can_fua(void*) {
    return NBDKIT_FUA_NATIVE;
}

int insitu_pread(void*, void* buffer, std::uint32_t count, std::uint64_t offset, std::uint32_t) {
    return request([&](Device& device) {
        device.read(offset, {static_cast<std::byte*>(buffer), count});
    });
}

int insitu_pwrite(void*, const void* buffer, std::uint32_t count, std::uint64_t offset,
                  std::uint32_t flags) {
    return request([&](Device& device) {
        device.write(offset, {static_cast<const std::byte*>(buffer), count}, durability(flags));
    });
}

int insitu_trim(void*, std::uint32_t count, std::uint64_t offset, std::uint32_t flags) {
    return request([&](Device& device) { device.unmap(offset, count, durability(flags)); });
}

int insitu_zero(void*, std::uint32_t count, std::uint64_t offset, std::uint32_t flags) {
    return request([&](Device& device) { device.zero(offset, count, durability(flags)); });
}

int insitu_flush(void*, std::uint32_t) {
    return request([](Device& device) {
        device.flush();
        plugin.full_disk.is_over();
    });
}

int insitu_extents(void*, std::uint32_t count, std::uint64_t offset, std::uint32_t,
                   struct nbdkit_extents* extents) {
    return request([&](Device& device) {
        for (const BlockRun& run : device.map(offset, count)) {
            const std::uint32_t type =
                run.mapped ? 0
                           : static_cast<std::uint32_t>(NBDKIT_EXTENT_HOLE | NBDKIT_EXTENT_ZERO);
            if (nbdkit_add_extent(extents, run.first.value * block_bytes, run.blocks * block_bytes,
                                  type) != 0) {
                throw io_error({.file = plugin.parameters.path}, "cannot report extents", errno);
            }
        }
    });
}

struct nbdkit_plugin describe() {
    struct nbdkit_plugin description {};
    description.name = "insitu";
    description.longname = "nbdkit insitu plugin";
    description.version = INSITU_VERSION;
    description.description = "Live device over an image of the dm-insitu-comp format";
    description.magic_config_key = "image";
    description.config = insitu_config;
    description.config_complete = insitu_config_complete;
    description.config_help = parameter_help;
    description.get_ready = insitu_get_ready;
    description.after_fork = insitu_after_fork;
    description.cleanup = insitu_cleanup;
    description.open = insitu_open;
    description.close = insitu_close;
    description.get_size = insitu_get_size;
    description.block_size = insitu_block_size;
    description.can_write = insitu_can_write;
    description.can_flush = yes;
    description.can_trim = yes;
    description.can_zero = yes;
    description.can_fast_zero = yes;
    description.can_multi_conn = yes;
    description.can_extents = yes;
    description.can_fua = insitu_can_fua;
    description.pread = insitu_pread;
    description.pwrite = insitu_pwrite;
    description.trim = insitu_trim;
    description.zero = insitu_zero;
    description.flush = insitu_flush;
    description.extents = insitu_extents;
    description.errno_is_preserved = 1;
    return description;
}

}  // namespace

// nbdkit looks for plugin_init(), which this macro defines over a variable.
struct nbdkit_plugin insitu_plugin = describe();
NBDKIT_REGISTER_PLUGIN(insitu_plugin)
