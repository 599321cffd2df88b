// SPDX-License-Identifier: GPL-2.0-or-later
#include <blkid/blkid.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "insitu/error.hpp"
#include "insitu/internal/store/difference_store.hpp"
#include "insitu/internal/store/nbd_store.hpp"
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

// libblkid reads descriptors. Of what a server exports, the parts in which signatures are stand in
// a file in memory that is as long and has holes else.
class RemoteEnds {
  public:
    explicit RemoteEnds(const Store& store)
        : fd_(::memfd_create("signatures", MFD_CLOEXEC)), size_bytes_(store.size_bytes()) {
        if (!fd_ || ::ftruncate(fd_.get(), static_cast<off_t>(size_bytes_)) != 0) {
            throw io_error({.file = store.name()}, "cannot look for signatures", errno);
        }
        const std::uint64_t length = std::min(size_bytes_, end_bytes);
        for (const std::uint64_t at : {std::uint64_t{0}, size_bytes_ - length}) {
            std::vector<std::byte> bytes(length);
            store.read_at(at, bytes);
            write_whole(fd_.get(), store.name(), at, bytes);
            ends_.emplace_back(at, std::move(bytes));
        }
    }
    int fd() const noexcept { return fd_.get(); }

    // Writes what differs from what was read, in whole sectors.
    void write_back(Store& store) const {
        for (const auto& [at, before] : ends_) {
            std::vector<std::byte> now(before.size());
            read_whole(fd_.get(), store.name(), at, now);
            DifferenceStore(store, [] {}).write_at(at, now);
        }
    }

  private:
    static constexpr std::uint64_t end_bytes = std::uint64_t{4} << 20;
    UniqueFd fd_;
    std::uint64_t size_bytes_;
    std::vector<std::pair<std::uint64_t, std::vector<std::byte>>> ends_;
};

std::optional<std::string> signature_on(int fd, const std::string& path) {
    const Probe probe = make_probe(fd, path);
    if (!probe_next(probe.get(), path)) {
        refuse_unreadable(fd, path);
        return std::nullopt;
    }
    const auto name = name_of_finding(probe.get());
    return name ? name : std::optional<std::string>("unknown content");
}

void wipe_on(int fd, const std::string& path) {
    const Probe probe = make_probe(fd, path);
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

}  // namespace

std::optional<std::string> find_signature(const std::string& path) {
    if (is_nbd_uri(path)) {
        const RemoteEnds ends(*open_nbd(path, Access::read));
        return signature_on(ends.fd(), path);
    }
    const UniqueFd fd = open_for_probe(path, O_RDONLY);
    return signature_on(fd.get(), path);
}

void wipe_signatures(const std::string& path) {
    if (is_nbd_uri(path)) {
        const auto store = open_nbd(path, Access::read_write);
        const RemoteEnds ends(*store);
        wipe_on(ends.fd(), path);
        ends.write_back(*store);
        return store->sync();
    }
    const UniqueFd fd = open_for_probe(path, O_RDWR);
    wipe_on(fd.get(), path);
}

}  // namespace insitu
