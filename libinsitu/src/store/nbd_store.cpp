// SPDX-License-Identifier: GPL-2.0-or-later
#include "insitu/internal/store/nbd_store.hpp"

#include <string_view>

#include "insitu/error.hpp"

#ifdef INSITU_HAVE_NBD
#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "insitu/internal/store/aligned_buffer.hpp"
#include "insitu/internal/store/stop_scope.hpp"
#include "store/nbd_connection.hpp"
#include "store/nbd_write_queue.hpp"
#endif

namespace insitu {

bool is_nbd_uri(const std::string& path) noexcept {
    constexpr std::string_view plain = "nbd";
    const std::size_t end = path.find("://");
    if (end == std::string::npos || !path.starts_with(plain)) return false;
    std::string_view scheme = std::string_view(path).substr(plain.size(), end - plain.size());
    if (scheme.starts_with('s')) scheme.remove_prefix(1);
    return scheme.empty() || scheme.starts_with('+');
}

#ifdef INSITU_HAVE_NBD

namespace {

constexpr std::size_t pooled_connections = 4;
constexpr nbd_completion_callback nobody{};
constexpr std::uint64_t most_request_bytes = std::uint64_t{4} << 20;
// Requests without data may be longer; lengths have 32 bits.
constexpr std::uint64_t most_bytes_without_data = std::uint64_t{1} << 30;

// Connections that are used in turn.
class Pool {
  public:
    Pool(const std::string& uri, StopScope::Stopped stopped)
        : uri_(uri), stopped_(std::move(stopped)) {
        idle_.push_back(std::make_unique<NbdConnection>(uri, stopped_));
        if (nbd().can_multi_conn(idle_.back()->get()) == 1) limit_ = pooled_connections;
    }
    bool several() const noexcept { return limit_ > 1; }

    class Loan {
      public:
        explicit Loan(Pool& pool) : pool_(pool), connection_(pool.take()) {}
        ~Loan() { pool_.give_back(std::move(connection_)); }
        Loan(const Loan&) = delete;
        Loan& operator=(const Loan&) = delete;
        NbdConnection* operator->() const noexcept { return connection_.get(); }

      private:
        Pool& pool_;
        std::unique_ptr<NbdConnection> connection_;
    };

  private:
    std::unique_ptr<NbdConnection> take() {
        std::unique_lock lock(mutex_);
        returned_.wait(lock, [this] { return !idle_.empty() || made_ < limit_; });
        if (idle_.empty()) {
            auto connection = std::make_unique<NbdConnection>(uri_, stopped_);
            ++made_;
            return connection;
        }
        auto connection = std::move(idle_.back());
        idle_.pop_back();
        return connection;
    }
    void give_back(std::unique_ptr<NbdConnection> connection) {
        const std::lock_guard lock(mutex_);
        idle_.push_back(std::move(connection));
        returned_.notify_one();
    }

    std::string uri_;
    StopScope::Stopped stopped_;
    std::mutex mutex_;
    std::condition_variable returned_;
    std::vector<std::unique_ptr<NbdConnection>> idle_;
    std::size_t made_ = 1;
    std::size_t limit_ = 1;
};

// What the server says of bytes side by side.
struct Status {
    std::uint64_t end_byte = 0;
    bool zeros = false;
};

int collect_status(void* list, const char* context, std::uint64_t at_byte, std::uint32_t* entries,
                   std::size_t count, int*) {
    if (std::strcmp(context, LIBNBD_CONTEXT_BASE_ALLOCATION) != 0) return 0;
    auto& statuses = *static_cast<std::vector<Status>*>(list);
    for (std::size_t i = 0; i + 1 < count; i += 2) {
        at_byte += entries[i];
        statuses.push_back({at_byte, (entries[i + 1] & LIBNBD_STATE_ZERO) != 0});
    }
    return 0;
}

class NbdStore final : public Store {
  public:
    NbdStore(const std::string& uri, Access access, const std::string& shown_name)
        : Store(shown_name), uri_(uri), stopped_(StopScope::current()), pool_(uri, stopped_) {
        const Pool::Loan loan(pool_);
        nbd_handle* const connection = loan->get();
        const std::int64_t size = nbd().get_size(connection);
        if (size < 0) throw nbd_error({.file = name()}, "cannot read its size");
        size_bytes_ = static_cast<std::uint64_t>(size);
        const std::int64_t least = nbd().get_block_size(connection, LIBNBD_SIZE_MINIMUM);
        if (least > 1) block_bytes_ = static_cast<std::uint64_t>(least);
        has_status_ = nbd().can_meta_context(connection, LIBNBD_CONTEXT_BASE_ALLOCATION) == 1;
        can_flush_ = nbd().can_flush(connection) == 1;
        can_trim_ = nbd().can_trim(connection) == 1;
        can_zero_ = nbd().can_zero(connection) == 1;
        if (access == Access::read) return;
        if (nbd().is_read_only(connection) != 0) {
            throw Error(ErrorKind::refused, {.file = name()}, "the export is read-only");
        }
        if (block_bytes_ <= sector_bytes) return;
        throw Error(ErrorKind::refused, {.file = name()},
                    fmt::format("the server takes writes of {} bytes and multiples, {} are needed",
                                block_bytes_, sector_bytes),
                    "nbdkit --filter=blocksize takes any");
    }

    std::uint64_t size_bytes() const override { return size_bytes_; }
    std::size_t alignment_bytes() const noexcept override { return block_bytes_; }

    void read_at(std::uint64_t at_byte, ByteSpan output) const override {
        const std::uint64_t before = at_byte % block_bytes_;
        if (before != 0 || output.size() % block_bytes_ != 0) {
            const std::uint64_t length =
                ceil_div(before + output.size(), block_bytes_) * block_bytes_;
            AlignedBuffer blocks(length);
            read_at(at_byte - before, blocks.span());
            std::memcpy(output.data(), blocks.data() + before, output.size());
            return;
        }
        const Pool::Loan connection(pool_);
        for (std::size_t done = 0; done < output.size();) {
            const ByteSpan part = output.subspan(
                done, std::min<std::size_t>(most_request_bytes, output.size() - done));
            connection->request(place_of(at_byte + done), "cannot read", [&](nbd_handle* handle) {
                return nbd().aio_pread(handle, part.data(), part.size(), at_byte + done, nobody, 0);
            });
            done += part.size();
        }
    }

    void write_at(std::uint64_t at_byte, ByteView input) override {
        forget_status();
        const Pool::Loan connection(pool_);
        for (std::size_t done = 0; done < input.size();) {
            const ByteView part =
                input.subspan(done, std::min<std::size_t>(most_request_bytes, input.size() - done));
            connection->request(place_of(at_byte + done), "cannot write", [&](nbd_handle* handle) {
                return nbd().aio_pwrite(handle, part.data(), part.size(), at_byte + done, nobody,
                                        0);
            });
            done += part.size();
        }
    }

    void zero(std::uint64_t at_byte, std::uint64_t length_bytes) override {
        forget_status();
        if (!can_zero_) return write_zeros(at_byte, length_bytes);
        without_data(at_byte, length_bytes, nbd().aio_zero, "cannot write zeros");
    }

    void discard(std::uint64_t at_byte, std::uint64_t length_bytes) override {
        const std::uint64_t first = ceil_div(at_byte, block_bytes_) * block_bytes_;
        const std::uint64_t end = (at_byte + length_bytes) / block_bytes_ * block_bytes_;
        if (!can_trim_ || first >= end) return;
        forget_status();
        without_data(first, end - first, nbd().aio_trim, "cannot discard");
    }

    void sync() override {
        if (!can_flush_) return;
        const Pool::Loan connection(pool_);
        connection->request({.file = name()}, "cannot sync",
                            [](nbd_handle* handle) { return nbd().aio_flush(handle, nobody, 0); });
    }

    std::unique_ptr<WriteQueue> write_queue() override {
        if (!pool_.several()) return Store::write_queue();
        forget_status();
        return std::make_unique<NbdWriteQueue>(uri_, stopped_);
    }

    std::uint64_t next_data(std::uint64_t at_byte) const override {
        return next(at_byte, [](const Status& status) { return !status.zeros; });
    }
    std::uint64_t next_hole(std::uint64_t at_byte) const override {
        if (!has_status_) return size_bytes_;
        return next(at_byte, [](const Status& status) { return status.zeros; });
    }

  private:
    template <class Request>
    void without_data(std::uint64_t at_byte, std::uint64_t length_bytes, Request request,
                      const char* what) {
        const Pool::Loan connection(pool_);
        for (std::uint64_t done = 0; done < length_bytes;) {
            const std::uint64_t step = std::min(most_bytes_without_data, length_bytes - done);
            connection->request(place_of(at_byte + done), what, [&](nbd_handle* handle) {
                return request(handle, step, at_byte + done, nobody, 0);
            });
            done += step;
        }
    }

    void write_zeros(std::uint64_t at_byte, std::uint64_t length_bytes) {
        AlignedBuffer zeros(std::min(length_bytes, most_request_bytes));
        std::memset(zeros.data(), 0, zeros.size());
        for (std::uint64_t done = 0; done < length_bytes; done += zeros.size()) {
            write_at(at_byte + done,
                     zeros.first(std::min<std::uint64_t>(zeros.size(), length_bytes - done)));
        }
    }

    // The start of the first range from `at_byte` on that is wanted, or the end.
    template <class Wanted>
    std::uint64_t next(std::uint64_t at_byte, Wanted wanted) const {
        while (at_byte < size_bytes_ && has_status_) {
            const Status status = status_at(at_byte);
            if (wanted(status)) return at_byte;
            at_byte = status.end_byte;
        }
        return std::min(at_byte, size_bytes_);
    }

    // An answer holds many ranges, and whoever asks goes on from there.
    Status status_at(std::uint64_t at_byte) const {
        const std::lock_guard lock(status_mutex_);
        if (at_byte < status_from_byte_ || statuses_.empty() ||
            at_byte >= statuses_.back().end_byte) {
            ask_status(at_byte);
        }
        const auto found =
            std::find_if(statuses_.begin(), statuses_.end(),
                         [&](const Status& status) { return at_byte < status.end_byte; });
        // A server that says nothing of it, or lies about its end.
        if (found == statuses_.end()) return {size_bytes_, false};
        return {std::min(found->end_byte, size_bytes_), found->zeros};
    }

    void ask_status(std::uint64_t at_byte) const {
        const std::uint64_t from = at_byte / block_bytes_ * block_bytes_;
        statuses_.clear();
        status_from_byte_ = from;
        const Pool::Loan connection(pool_);
        nbd_extent_callback callback{};
        callback.callback = collect_status;
        callback.user_data = &statuses_;
        const std::uint64_t length = std::min(most_bytes_without_data, size_bytes_ - from);
        try {
            connection->request(place_of(from), "cannot ask for holes", [&](nbd_handle* handle) {
                return nbd().aio_block_status(handle, length, from, callback, nobody, 0);
            });
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::cancelled) throw;
            // It is a hint: what cannot be asked is read.
            statuses_.clear();
        }
    }

    void forget_status() {
        const std::lock_guard lock(status_mutex_);
        statuses_.clear();
    }

    Place place_of(std::uint64_t at_byte) const { return {.file = name(), .byte = at_byte}; }

    std::string uri_;
    StopScope::Stopped stopped_;
    mutable Pool pool_;
    std::uint64_t size_bytes_ = 0;
    std::uint64_t block_bytes_ = 1;
    bool has_status_ = false;
    bool can_flush_ = false;
    bool can_trim_ = false;
    bool can_zero_ = false;
    mutable std::mutex status_mutex_;  // guards what follows
    mutable std::uint64_t status_from_byte_ = 0;
    mutable std::vector<Status> statuses_;
};

}  // namespace

std::unique_ptr<Store> open_nbd(const std::string& uri, Access access,
                                const std::string& shown_name) {
    return std::make_unique<NbdStore>(uri, access, shown_name.empty() ? uri : shown_name);
}

#else

std::unique_ptr<Store> open_nbd(const std::string& uri, Access, const std::string&) {
    throw Error(ErrorKind::refused, {.file = uri},
                "this program was built without libnbd, which reads NBD URIs",
                "nbdfuse or nbd-client makes a file or device of it");
}

#endif

}  // namespace insitu
