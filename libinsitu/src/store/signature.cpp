#include <blkid/blkid.h>
#include <fcntl.h>
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <memory>

#include "insitu/error.hpp"
#include "insitu/store/open.hpp"
#include "insitu/store/unique_fd.hpp"

namespace insitu {

namespace {

struct FreeProbe {
    void operator()(blkid_probe probe) const noexcept { blkid_free_probe(probe); }
};
using Probe = std::unique_ptr<std::remove_pointer_t<blkid_probe>, FreeProbe>;

Probe make_probe(int fd, const std::string& path) {
    Probe probe(blkid_new_probe());
    if (!probe) throw std::bad_alloc();
    if (blkid_probe_set_device(probe.get(), fd, 0, 0) != 0) {
        throw io_error({.file = path}, "cannot look for signatures", errno != 0 ? errno : EIO);
    }
    blkid_probe_enable_superblocks(probe.get(), 1);
    blkid_probe_set_superblocks_flags(probe.get(), BLKID_SUBLKS_TYPE | BLKID_SUBLKS_MAGIC);
    blkid_probe_enable_partitions(probe.get(), 1);
    blkid_probe_set_partitions_flags(probe.get(), BLKID_PARTS_MAGIC);
    return probe;
}

UniqueFd open_for_probe(const std::string& path, int flags) {
    UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC));
    if (!fd) throw io_error({.file = path}, "cannot open", errno);
    return fd;
}

std::optional<std::string> name_of_finding(blkid_probe probe) {
    for (const char* key : {"TYPE", "PTTYPE"}) {
        const char* value = nullptr;
        if (blkid_probe_lookup_value(probe, key, &value, nullptr) == 0) return value;
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::string> find_signature(const std::string& path) {
    const UniqueFd fd = open_for_probe(path, O_RDONLY);
    const Probe probe = make_probe(fd.get(), path);
    if (blkid_do_probe(probe.get()) != 0) return std::nullopt;
    const auto name = name_of_finding(probe.get());
    return name ? name : std::optional<std::string>("unknown content");
}

void wipe_signatures(const std::string& path) {
    const UniqueFd fd = open_for_probe(path, O_RDWR);
    const Probe probe = make_probe(fd.get(), path);
    // A wiped signature can uncover another one, so the probe steps back after each.
    constexpr int dry_run = 0;
    while (blkid_do_probe(probe.get()) == 0) {
        if (blkid_do_wipe(probe.get(), dry_run) != 0) {
            throw io_error({.file = path}, "cannot remove an old signature",
                           errno != 0 ? errno : EIO);
        }
        blkid_probe_step_back(probe.get());
    }
}

}  // namespace insitu
