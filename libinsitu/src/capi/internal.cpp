// SPDX-License-Identifier: GPL-2.0-or-later
#include "capi/internal.hpp"

#include <fmt/format.h>

#include "insitu/internal/fsck/holes.hpp"
#include "insitu/open_store.hpp"

namespace insitu::capi {

int code_of(ErrorKind kind) noexcept {
    switch (kind) {
        case ErrorKind::io:
            return INSITU_IO;
        case ErrorKind::refused:
            return INSITU_REFUSED;
        case ErrorKind::damaged:
            return INSITU_DAMAGED;
        case ErrorKind::cancelled:
            return INSITU_CANCELLED;
    }
    return INSITU_INTERNAL;
}

namespace {

insitu_error describe_error() {
    insitu_error result;
    try {
        throw;
    } catch (const Error& error) {
        result.code = code_of(error.kind());
        result.os_error = error.os_error();
        result.text = error.what();
        result.hint = error.hint();
        result.place = error.place();
    } catch (const std::exception& error) {
        result.text = error.what();
    } catch (...) {
        result.text = "an exception of no known kind";
    }
    return result;
}

}  // namespace

int catch_error(insitu_error** error) noexcept {
    try {
        insitu_error found = describe_error();
        const int code = found.code;
        if (error != nullptr) *error = new insitu_error(std::move(found));
        return code;
    } catch (...) {
        return INSITU_INTERNAL;  // no memory to say more
    }
}

void refuse(const std::string& text) {
    throw Error(ErrorKind::refused, {}, text);
}

void require_known(const void* given, std::size_t given_bytes, std::size_t known_bytes) {
    // More than any struct will ever have: a size that was never set.
    constexpr std::size_t most_bytes = 4096;
    if (given_bytes < sizeof(std::size_t) || given_bytes > most_bytes) {
        refuse(fmt::format("a struct of {} bytes makes no sense: use its INIT macro", given_bytes));
    }
    const auto* bytes = static_cast<const unsigned char*>(given);
    for (std::size_t at = known_bytes; at < given_bytes; ++at) {
        if (bytes[at] != 0) refuse("an option of a later version of the library is used");
    }
}

unsigned choice(std::uint32_t value, unsigned count, const char* name) {
    if (value < count) return value;
    refuse(fmt::format("{} is {}, expected 0 to {}", name, value, count - 1));
}

Level level_of(std::uint32_t level) {
    if (level == 0) return Level::normal;
    return static_cast<Level>(choice(level, 10, "level"));
}

Algorithm algorithm_of(std::uint32_t algorithm) {
    return choice(algorithm, 2, "algorithm") == INSITU_LZO ? Algorithm::lzo : Algorithm::deflate;
}

PendingPolicy pending_of(std::uint32_t pending) {
    constexpr PendingPolicy policies[] = {PendingPolicy::apply_in_memory, PendingPolicy::apply,
                                          PendingPolicy::refuse, PendingPolicy::ignore};
    return policies[choice(pending, 4, "pending")];
}

Sharing sharing_of(std::uint32_t sharing) {
    return choice(sharing, 2, "sharing") == INSITU_LOCK ? Sharing::exclusive : Sharing::shared;
}

Target::Overwrite overwrite_of(std::uint32_t force) {
    return choice(force, 2, "force") == 1 ? Target::Overwrite::force : Target::Overwrite::refuse;
}

ExtentPolicy extents_of(std::uint32_t blocks) {
    if (blocks > window_blocks || (blocks & (blocks - 1)) != 0) {
        refuse(fmt::format("extent_blocks is {}, expected 0, 1, 2, 4, 8, 16 or 32", blocks));
    }
    return {blocks};
}

NameChange name_change(const char* uuid, const char* label) {
    NameChange change;
    if (uuid != nullptr) {
        change.uuid = std::string_view(uuid) == "random" ? random_uuid() : parse_uuid(uuid);
        if (!change.uuid) refuse("uuid is none; expected 32 hex digits, or random");
    }
    if (label != nullptr) {
        change.label = label;
        if (!valid_label(label)) {
            refuse(
                fmt::format("label cannot be stored; expected at most {} bytes of UTF-8 "
                            "without control characters",
                            label_bytes));
        }
    }
    return change;
}

void refuse_same_storage(const std::string& source, const std::string& target) {
    if (!same_storage(source, target)) return;
    throw Error(ErrorKind::refused, {.file = target}, "is the same file or device as " + source);
}

void give_holes_back(Store& image) {
    punch_holes(Image::open(image), image, {});
    image.sync();
}

Run::Run(const insitu_control* given)
    : options_(read_options(given)), stop_(options_.stop ? &options_.stop->flag : &own_.flag) {}

void Run::stop() noexcept {
    stop_->request();
}

void Run::begin(std::uint64_t total_bytes) noexcept {
    const std::lock_guard guard(mutex_);
    total_bytes_ = total_bytes;
    done_bytes_ = 0;
    report();
}

void Run::advance(std::uint64_t done_bytes) noexcept {
    const std::lock_guard guard(mutex_);
    done_bytes_ += done_bytes;
    report();
}

void Run::report() noexcept {
    // Work is counted by whole windows, of which the last one may not be full.
    const std::uint64_t done =
        total_bytes_ != 0 ? std::min(done_bytes_, total_bytes_) : done_bytes_;
    if (options_.progress(options_.user, done, total_bytes_) != 0) stop();
}

}  // namespace insitu::capi

using namespace insitu;
using namespace insitu::capi;

const char* insitu_version() {
    return INSITU_VERSION;
}

int insitu_error_code(const insitu_error* error) {
    return error == nullptr ? static_cast<int>(INSITU_OK) : error->code;
}

const char* insitu_error_text(const insitu_error* error) {
    return error == nullptr ? "" : error->text.c_str();
}

const char* insitu_error_hint(const insitu_error* error) {
    return error == nullptr ? "" : error->hint.c_str();
}

int insitu_error_os(const insitu_error* error) {
    return error == nullptr ? 0 : error->os_error;
}

const char* insitu_error_file(const insitu_error* error) {
    return error == nullptr ? "" : error->place.file.c_str();
}

int insitu_error_window(const insitu_error* error, uint64_t* value) {
    if (error == nullptr || !error->place.window) return 0;
    *value = error->place.window->value;
    return 1;
}

int insitu_error_block(const insitu_error* error, uint64_t* value) {
    if (error == nullptr || !error->place.block) return 0;
    *value = error->place.block->value;
    return 1;
}

int insitu_error_byte(const insitu_error* error, uint64_t* value) {
    if (error == nullptr || !error->place.byte) return 0;
    *value = *error->place.byte;
    return 1;
}

void insitu_error_free(insitu_error* error) {
    delete error;
}

insitu_stop* insitu_stop_new() {
    return new (std::nothrow) insitu_stop;
}

void insitu_stop_request(insitu_stop* stop) {
    if (stop != nullptr) stop->flag.request();
}

void insitu_stop_free(insitu_stop* stop) {
    delete stop;
}
