// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <libnbd.h>

namespace insitu {

// The functions of libnbd that are used here. The library is loaded when the first URI is opened:
// with TLS and XML it brings as much code as all the rest, and few runs of a tool need it.
struct NbdLibrary {
    decltype(&::nbd_aio_block_status) aio_block_status;
    decltype(&::nbd_aio_command_completed) aio_command_completed;
    decltype(&::nbd_aio_connect_uri) aio_connect_uri;
    decltype(&::nbd_aio_is_connecting) aio_is_connecting;
    decltype(&::nbd_aio_is_ready) aio_is_ready;
    decltype(&::nbd_aio_flush) aio_flush;
    decltype(&::nbd_aio_pread) aio_pread;
    decltype(&::nbd_aio_pwrite) aio_pwrite;
    decltype(&::nbd_aio_trim) aio_trim;
    decltype(&::nbd_aio_zero) aio_zero;
    decltype(&::nbd_add_meta_context) add_meta_context;
    decltype(&::nbd_can_flush) can_flush;
    decltype(&::nbd_can_meta_context) can_meta_context;
    decltype(&::nbd_can_multi_conn) can_multi_conn;
    decltype(&::nbd_can_trim) can_trim;
    decltype(&::nbd_can_zero) can_zero;
    decltype(&::nbd_close) close;
    decltype(&::nbd_create) create;
    decltype(&::nbd_get_block_size) get_block_size;
    decltype(&::nbd_get_errno) get_errno;
    decltype(&::nbd_get_error) get_error;
    decltype(&::nbd_get_size) get_size;
    decltype(&::nbd_is_read_only) is_read_only;
    decltype(&::nbd_poll) poll;
    decltype(&::nbd_set_uri_allow_local_file) set_uri_allow_local_file;
};

// Loads it at the first call. Thread-safe. Throws a `refused` Error if it is not installed.
const NbdLibrary& nbd();

}  // namespace insitu
