// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/error.hpp"

#include <cerrno>

#include "support/catch.hpp"

using namespace insitu;

TEST_CASE("a place reads from the file down to the byte") {
    CHECK(to_string(Place{.file = "rootfs.img",
                          .window = WindowIndex{12},
                          .block = BlockIndex{389},
                          .byte = 1613824}) == "rootfs.img: window 12, block 389 (byte 1613824)");
    CHECK(to_string(Place{.file = "a", .byte = 7}) == "a: byte 7");
    CHECK(to_string(Place{.file = "a"}) == "a");
    CHECK(to_string(Place{}) == "");
}

TEST_CASE("an io error keeps errno and says what it means") {
    const Error error = io_error({.file = "x.img"}, "cannot write 512 bytes", ENOSPC);
    CHECK(error.kind() == ErrorKind::io);
    CHECK(error.os_error() == ENOSPC);
    CHECK(std::string(error.what()) == "x.img: cannot write 512 bytes: No space left on device");
    CHECK_FALSE(error.hint().empty());
}
