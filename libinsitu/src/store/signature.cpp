// SPDX-License-Identifier: GPL-2.0-or-later
#include <blkid/blkid.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <vector>

#include "insitu/error.hpp"
#include "insitu/internal/store/unique_fd.hpp"
#include "insitu/open_store.hpp"
#include "store/posix_io.hpp"

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

// Signatures are near the start and the end. libblkid takes some read errors there for "nothing
// found", so what it looks at is read here as well.
void refuse_unreadable(int fd, const std::string& path) {
    constexpr std::uint64_t looked_at_bytes = std::uint64_t{256} << 10;
    const off_t end = ::lseek(fd, 0, SEEK_END);
    if (end < 0) throw io_error({.file = path}, "cannot read its size", errno);
    const auto size_bytes = static_cast<std::uint64_t>(end);
    const std::uint64_t length = std::min(size_bytes, looked_at_bytes);
    std::vector<std::byte> buffer(length);
    for (const std::uint64_t at_byte : {std::uint64_t{0}, size_bytes - length}) {
        read_whole(fd, path, at_byte, buffer);
    }
}

// Whether the probe found something. Anything but a clear answer is an error: what cannot be looked
// at must not count as empty.
bool probe_next(blkid_probe probe, const std::string& path) {
    constexpr int found = 0;
    constexpr int nothing = 1;
    errno = 0;
    const int result = blkid_do_probe(probe);
    if (result == found) return true;
    if (result == nothing) return false;
    throw io_error({.file = path}, "cannot look for signatures", errno != 0 ? errno : EIO);
}

}  // namespace

std::optional<std::string> find_signature(const std::string& path) {
    const UniqueFd fd = open_for_probe(path, O_RDONLY);
    const Probe probe = make_probe(fd.get(), path);
    if (!probe_next(probe.get(), path)) {
        refuse_unreadable(fd.get(), path);
        return std::nullopt;
    }
    const auto name = name_of_finding(probe.get());
    return name ? name : std::optional<std::string>("unknown content");
}

void wipe_signatures(const std::string& path) {
    const UniqueFd fd = open_for_probe(path, O_RDWR);
    const Probe probe = make_probe(fd.get(), path);
    // A wiped signature can uncover another one, so the probe steps back after each.
    constexpr int dry_run = 0;
    while (probe_next(probe.get(), path)) {
        if (blkid_do_wipe(probe.get(), dry_run) != 0) {
            throw io_error({.file = path}, "cannot remove an old signature",
                           errno != 0 ? errno : EIO);
        }
        blkid_probe_step_back(probe.get());
    }
}

}  // namespace insitu
