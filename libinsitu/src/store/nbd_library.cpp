// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/nbd_library.hpp"

#include <dlfcn.h>

#include "insitu/error.hpp"

namespace insitu {

namespace {

[[noreturn]] void refuse() {
    const char* const reason = ::dlerror();
    throw Error(ErrorKind::refused, {},
                std::string("NBD URIs need libnbd: ") +
                    (reason != nullptr ? reason : "it cannot be loaded"),
                "Debian's package is libnbd0");
}

template <class Function>
void find(void* library, const char* name, Function& function) {
    function = reinterpret_cast<Function>(::dlsym(library, name));
    if (function == nullptr) refuse();
}

// Never unloaded: handles may live as long as the program.
NbdLibrary load() {
    void* const library = ::dlopen("libnbd.so.0", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) refuse();
    NbdLibrary nbd{};
    find(library, "nbd_aio_block_status", nbd.aio_block_status);
    find(library, "nbd_aio_command_completed", nbd.aio_command_completed);
    find(library, "nbd_aio_connect_uri", nbd.aio_connect_uri);
    find(library, "nbd_aio_is_connecting", nbd.aio_is_connecting);
    find(library, "nbd_aio_is_ready", nbd.aio_is_ready);
    find(library, "nbd_aio_flush", nbd.aio_flush);
    find(library, "nbd_aio_pread", nbd.aio_pread);
    find(library, "nbd_aio_pwrite", nbd.aio_pwrite);
    find(library, "nbd_aio_trim", nbd.aio_trim);
    find(library, "nbd_aio_zero", nbd.aio_zero);
    find(library, "nbd_add_meta_context", nbd.add_meta_context);
    find(library, "nbd_can_flush", nbd.can_flush);
    find(library, "nbd_can_meta_context", nbd.can_meta_context);
    find(library, "nbd_can_multi_conn", nbd.can_multi_conn);
    find(library, "nbd_can_trim", nbd.can_trim);
    find(library, "nbd_can_zero", nbd.can_zero);
    find(library, "nbd_close", nbd.close);
    find(library, "nbd_create", nbd.create);
    find(library, "nbd_get_block_size", nbd.get_block_size);
    find(library, "nbd_get_errno", nbd.get_errno);
    find(library, "nbd_get_error", nbd.get_error);
    find(library, "nbd_get_size", nbd.get_size);
    find(library, "nbd_is_read_only", nbd.is_read_only);
    find(library, "nbd_poll", nbd.poll);
    find(library, "nbd_set_uri_allow_local_file", nbd.set_uri_allow_local_file);
    return nbd;
}

}  // namespace

const NbdLibrary& nbd() {
    static const NbdLibrary library = load();
    return library;
}

}  // namespace insitu
