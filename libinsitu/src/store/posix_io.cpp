// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/posix_io.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "insitu/error.hpp"
#include "insitu/internal/store/aligned_buffer.hpp"

namespace insitu {

// Narrower offsets would wrap, and writes beyond 2 GiB hit the start of the device.
static_assert(sizeof(off_t) == 8, "build with _FILE_OFFSET_BITS=64");
// A file with a date after 2038 could not even be opened.
static_assert(sizeof(time_t) == 8, "build with _TIME_BITS=64");

void read_whole(int fd, const std::string& name, std::uint64_t at_byte, ByteSpan output) {
    std::size_t done = 0;
    while (done < output.size()) {
        const ssize_t got = ::pread(fd, output.data() + done, output.size() - done,
                                    static_cast<off_t>(at_byte + done));
        if (got > 0) {
            done += static_cast<std::size_t>(got);
        } else if (got == 0) {
            throw Error(
                ErrorKind::damaged, {.file = name, .byte = at_byte + done},
                fmt::format("file ends here, {} more bytes expected", output.size() - done));
        } else if (errno != EINTR) {
            throw io_error({.file = name, .byte = at_byte + done},
                           fmt::format("cannot read {} bytes", output.size() - done), errno);
        }
    }
}

void read_whole_direct(int fd, const std::string& name, std::uint64_t at_byte, ByteSpan output,
                       std::size_t unit) {
    const bool aligned = at_byte % unit == 0 && output.size() % unit == 0 &&
                         reinterpret_cast<std::uintptr_t>(output.data()) % unit == 0;
    if (aligned) return read_whole(fd, name, at_byte, output);
    const std::uint64_t start = at_byte / unit * unit;
    const std::uint64_t end = ceil_div(at_byte + output.size(), unit) * unit;
    AlignedBuffer bounce(end - start);
    read_whole(fd, name, start, bounce.span());
    std::memcpy(output.data(), bounce.data() + (at_byte - start), output.size());
}

void write_whole(int fd, const std::string& name, std::uint64_t at_byte, ByteView input) {
    std::size_t done = 0;
    while (done < input.size()) {
        const ssize_t put = ::pwrite(fd, input.data() + done, input.size() - done,
                                     static_cast<off_t>(at_byte + done));
        if (put > 0) {
            done += static_cast<std::size_t>(put);
        } else if (put == 0 || errno != EINTR) {
            throw io_error({.file = name, .byte = at_byte + done},
                           fmt::format("cannot write {} bytes", input.size() - done),
                           put == 0 ? ENOSPC : errno);
        }
    }
}

void sync_data(int fd, const std::string& name) {
    if (::fdatasync(fd) != 0) throw io_error({.file = name}, "cannot sync", errno);
}

}  // namespace insitu
