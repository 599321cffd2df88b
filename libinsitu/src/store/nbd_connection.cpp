// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/nbd_connection.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace insitu {

namespace {

constexpr auto cannot_connect = "cannot connect";
constexpr int look_every_ms = 100;

[[noreturn]] void throw_given_up(const std::string& uri) {
    throw Error(ErrorKind::cancelled, {.file = uri}, "stopped before the server answered");
}

}  // namespace

Error nbd_error(const Place& place, const char* what) {
    const int number = nbd().get_errno() != 0 ? nbd().get_errno() : EIO;
    const char* const text = nbd().get_error();
    std::string_view reason = text != nullptr ? text : std::strerror(number);
    // The name of the function comes first, and means nothing to a user.
    const std::size_t end = reason.find(": ");
    if (reason.starts_with("nbd_") && end != std::string_view::npos) reason.remove_prefix(end + 2);
    return Error(ErrorKind::io, place, fmt::format("{}: {}", what, reason), {}, number);
}

NbdConnection::NbdConnection(const std::string& uri, StopScope::Stopped stopped)
    : uri_(uri), stopped_(std::move(stopped)), handle_(nbd().create()) {
    if (handle_ == nullptr) throw nbd_error({.file = uri}, cannot_connect);
    // For keys and certificates that the URI names.
    static_cast<void>(nbd().set_uri_allow_local_file(handle_, true));
    static_cast<void>(nbd().add_meta_context(handle_, LIBNBD_CONTEXT_BASE_ALLOCATION));
    // The message is of the handle, which is closed after that.
    std::unique_ptr<nbd_handle, void (*)(nbd_handle*)> closed(handle_, nbd().close);
    connect();
    static_cast<void>(closed.release());
}

nbd_handle* NbdConnection::get() const {
    if (handle_ == nullptr) throw_given_up(uri_);
    return handle_;
}

// What listens and says nothing must not be waited for without end.
void NbdConnection::connect() {
    constexpr std::chrono::seconds patience{20};
    const auto end = std::chrono::steady_clock::now() + patience;
    if (nbd().aio_connect_uri(handle_, uri_.c_str()) != 0)
        throw nbd_error({.file = uri_}, cannot_connect);
    while (nbd().aio_is_connecting(handle_) == 1) {
        if (std::chrono::steady_clock::now() > end) {
            throw Error(
                ErrorKind::io, {.file = uri_},
                fmt::format("{}: no answer for {} seconds", cannot_connect, patience.count()),
                "is it an NBD server that listens there?", ETIMEDOUT);
        }
        if (is_given_up()) throw_given_up(uri_);
        if (nbd().poll(handle_, look_every_ms) < 0) throw nbd_error({.file = uri_}, cannot_connect);
    }
    if (nbd().aio_is_ready(handle_) != 1) throw nbd_error({.file = uri_}, cannot_connect);
}

void NbdConnection::wait_for(std::uint64_t cookie, const Place& place, const char* what) {
    for (;;) {
        const int done = nbd().aio_command_completed(get(), cookie);
        if (done < 0) throw nbd_error(place, what);
        if (done > 0) break;
        if (!wait_for_event()) throw nbd_error(place, what);
    }
    stopped_at_.reset();
}

bool NbdConnection::wait_for_event() {
    if (is_given_up()) {
        nbd().close(std::exchange(handle_, nullptr));
        throw_given_up(uri_);
    }
    return nbd().poll(get(), look_every_ms) >= 0;
}

// What is asked for after a stop, to leave things in order, is answered by a server that works.
bool NbdConnection::is_given_up() {
    constexpr std::chrono::milliseconds patience{500};
    if (!stopped_()) return false;
    const auto now = std::chrono::steady_clock::now();
    if (!stopped_at_) stopped_at_ = now;
    return now - *stopped_at_ > patience;
}

}  // namespace insitu
