// nbdkit insitu IMAGE: the live device over NBD. One device, however many clients; this file only
// translates between nbdkit's calls and the library's.
#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include <fmt/format.h>

#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <limits>
#include <memory>
#include <mutex>
#include <string>

#include "insitu/device/device.hpp"
#include "insitu/error.hpp"
#include "insitu/store/open.hpp"

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

using namespace insitu;

namespace {

// At most so many requests work at a time; 0: as many as nbdkit has threads.
class WorkLimit {
  public:
    void set(unsigned limit) noexcept { limit_ = limit; }
    void enter() {
        if (limit_ == 0) return;
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return working_ < limit_; });
        ++working_;
    }
    void leave() {
        if (limit_ == 0) return;
        const std::lock_guard lock(mutex_);
        --working_;
        changed_.notify_one();
    }

  private:
    unsigned limit_ = 0;
    unsigned working_ = 0;
    std::mutex mutex_;
    std::condition_variable changed_;
};

struct Plugin {
    std::string path;
    DeviceOptions options;
    WorkLimit limit;
    std::unique_ptr<Store> store;
    std::unique_ptr<Device> device;
};
Plugin plugin;

int report(const std::string& message, int os_error) {
    nbdkit_error("%s", message.c_str());
    nbdkit_set_error(os_error);
    errno = os_error;
    return -1;
}

// No exception may reach nbdkit.
template <class Work>
int guarded(Work work) noexcept {
    try {
        work();
        return 0;
    } catch (const Error& error) {
        const std::string hint = error.hint().empty() ? "" : " (" + error.hint() + ")";
        const int code = error.os_error() != 0                ? error.os_error()
                         : error.kind() == ErrorKind::refused ? EINVAL
                                                              : EIO;
        return report(error.what() + hint, code);
    } catch (const std::bad_alloc&) {
        return report("out of memory", ENOMEM);
    } catch (const std::exception& error) {
        return report(error.what(), EIO);
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

int unknown_value(const std::string& key, const std::string& value, const char* expected) {
    nbdkit_error("%s=%s: expected %s", key.c_str(), value.c_str(), expected);
    return -1;
}

int set_image(const char* value) {
    // nbdkit changes its directory when it goes to the background.
    char* real = nbdkit_realpath(value);
    if (real == nullptr) return -1;
    plugin.path = real;
    std::free(real);
    return 0;
}

int set_numbers(const std::string& key, const char* value) {
    if (key == "cache-size" || key == "decode-cache") {
        const std::int64_t bytes = nbdkit_parse_size(value);
        if (bytes < 0) return unknown_value(key, value, "a size such as 64M");
        DeviceOptions& options = plugin.options;
        (key == "cache-size" ? options.cache_bytes : options.decode_cache_bytes) =
            static_cast<std::uint64_t>(bytes);
        return 0;
    }
    unsigned number = 0;
    if (nbdkit_parse_unsigned(key.c_str(), value, &number) != 0) return -1;
    if (key == "threads") {
        plugin.limit.set(number);
        return 0;
    }
    if (number == 0 || number > 86400) return unknown_value(key, value, "1 to 86400 seconds");
    plugin.options.commit_delay = std::chrono::seconds(number);
    return 0;
}

int set_choices(const std::string& key, const std::string& value) {
    DeviceOptions& options = plugin.options;
    if (key == "metadata") {
        if (value == "writeback") return options.policy = CommitPolicy::writeback, 0;
        if (value == "writethrough") return options.policy = CommitPolicy::writethrough, 0;
        return unknown_value(key, value, "writeback or writethrough");
    }
    if (key == "level") {
        if (value == "fast") return options.level = Level::fast, 0;
        if (value == "default") return options.level = Level::normal, 0;
        if (value == "best") return options.level = Level::best, 0;
        return unknown_value(key, value, "fast, default or best");
    }
    if (key == "pending") {
        if (value == "apply") return options.pending = PendingIntent::apply, 0;
        if (value == "drop") return options.pending = PendingIntent::drop, 0;
        return unknown_value(key, value, "apply or drop");
    }
    nbdkit_error("unknown parameter '%s'", key.c_str());
    return -1;
}

int set_switch(const std::string& key, const char* value) {
    const int on = nbdkit_parse_bool(value);
    if (on < 0) return unknown_value(key, value, "true or false");
    DeviceOptions& options = plugin.options;
    if (key == "readonly") {
        options.access = on != 0 ? Access::read : Access::read_write;
    } else {
        options.compaction = on != 0 ? Compaction::idle : Compaction::off;
    }
    return 0;
}

int insitu_config(const char* key_text, const char* value) {
    const std::string key = key_text;
    if (key == "image") return set_image(value);
    if (key == "cache-size" || key == "decode-cache" || key == "threads" || key == "commit-delay") {
        return set_numbers(key, value);
    }
    if (key == "readonly" || key == "compact") return set_switch(key, value);
    return set_choices(key, value);
}

int insitu_config_complete() {
    if (!plugin.path.empty()) return 0;
    nbdkit_error("which image? nbdkit insitu IMAGE");
    return -1;
}

constexpr const char* config_help =
    "image=<IMAGE>                 (required) Image file or block device.\n"
    "metadata=writeback|writethrough   When writes reach the medium (default: writeback).\n"
    "commit-delay=<SECONDS>        At most so long after the write (default: 5).\n"
    "cache-size=<SIZE>             Memory of writes that wait (default: 64M).\n"
    "decode-cache=<SIZE>           Memory of extents that were read in part (default: 256M).\n"
    "level=fast|default|best       Effort of the compression (default: default).\n"
    "compact=<BOOL>                Put cut-up windows together when idle (default: false).\n"
    "threads=<N>                   Requests that work at a time (default: nbdkit's --threads).\n"
    "readonly=<BOOL>               Open the image for reading only (default: false).\n"
    "pending=apply|drop            What an interrupted run left (default: apply).";

// Opened before the fork, so that an error is the command's; threads wait for after_fork.
int insitu_get_ready() {
    return guarded([] {
        plugin.store = open_store(plugin.path, plugin.options.access);
        plugin.device = std::make_unique<Device>(*plugin.store, plugin.options);
        const auto windows = plugin.device->counters().recovered_windows;
        if (windows != 0) {
            nbdkit_debug("%s: recovered %lu windows of an interrupted run", plugin.path.c_str(),
                         static_cast<unsigned long>(windows));
        }
    });
}

int insitu_after_fork() {
    return guarded([] { plugin.device->start_commits(); });
}

void insitu_cleanup() {
    if (!plugin.device) return;
    (void)guarded([] { plugin.device->close(); });
    const DeviceCounters c = plugin.device->counters();
    const std::string text = fmt::format(
        "{} {} {} reads={} writes={} rewritten={} encoded={} journal={} commits={} unprotected={} "
        "recovered={} compacted={}",
        c.uncompressed_bytes, c.compressed_bytes, c.meta_bytes, c.read_requests, c.write_requests,
        c.rewritten_extents, c.encoded_bytes, c.journal_bytes, c.commits, c.unprotected_commits,
        c.recovered_windows, c.compacted_windows);
    nbdkit_debug("%s", text.c_str());
    plugin.device.reset();
    plugin.store.reset();
}

void* insitu_open(int) {
    return NBDKIT_HANDLE_NOT_NEEDED;
}

std::int64_t insitu_get_size(void*) {
    return static_cast<std::int64_t>(plugin.device->size_bytes());
}

int insitu_block_size(void*, std::uint32_t* minimum, std::uint32_t* preferred,
                      std::uint32_t* maximum) {
    constexpr std::uint32_t largest_request = 32U << 20;
    *minimum = block_bytes;
    *preferred = window_bytes;
    *maximum = largest_request;
    return 0;
}

int insitu_can_write(void*) {
    return plugin.options.access == Access::read_write ? 1 : 0;
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

int insitu_unmap(void*, std::uint32_t count, std::uint64_t offset, std::uint32_t flags) {
    return request([&](Device& device) { device.unmap(offset, count, durability(flags)); });
}

int insitu_flush(void*, std::uint32_t) {
    return request([](Device& device) { device.flush(); });
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
                throw io_error({.file = plugin.path}, "cannot report extents", errno);
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
    description.config_help = config_help;
    description.get_ready = insitu_get_ready;
    description.after_fork = insitu_after_fork;
    description.cleanup = insitu_cleanup;
    description.open = insitu_open;
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
    description.trim = insitu_unmap;
    description.zero = insitu_unmap;
    description.flush = insitu_flush;
    description.extents = insitu_extents;
    description.errno_is_preserved = 1;
    return description;
}

}  // namespace

// nbdkit looks for plugin_init(), which this macro defines over a variable.
struct nbdkit_plugin insitu_plugin = describe();
NBDKIT_REGISTER_PLUGIN(insitu_plugin)
