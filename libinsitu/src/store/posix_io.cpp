#include "store/posix_io.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "insitu/error.hpp"

namespace insitu {

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
