// SPDX-License-Identifier: GPL-2.0-or-later
// No memory, at any allocation of any request or commit: nothing that was written is lost, nothing
// that is counted stays counted, and the device goes on when there is memory again.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>

#include "device/device_model.hpp"
#include "insitu/internal/store/memory_store.hpp"
#include "support/catch.hpp"
#include "support/image_builder.hpp"
#include "support/sanitizer.hpp"

namespace {

// How allocations fail: the one after so many others, or that one and all behind it.
enum class Lack { once, for_a_time };

std::atomic<bool> armed{false};
std::atomic<Lack> lack{Lack::once};
std::atomic<std::int64_t> left{0};

bool may_allocate() noexcept {
    if (!armed) return true;
    const std::int64_t before = left.fetch_sub(1);
    return before > 0 || (before < 0 && lack == Lack::once);
}

void* allocate(std::size_t size) noexcept {
    return may_allocate() ? std::malloc(std::max<std::size_t>(size, 1)) : nullptr;
}
void* allocate_or_throw(std::size_t size) {
    void* const memory = allocate(size);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

}  // namespace

void* operator new(std::size_t size) {
    return allocate_or_throw(size);
}
void* operator new[](std::size_t size) {
    return allocate_or_throw(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return allocate(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
    return allocate(size);
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete[](void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
    std::free(memory);
}

using namespace insitu;
using namespace insitu::test;

namespace {

using Bytes = std::vector<std::byte>;

// A client, and what it knows: what its last flush made durable, and what it wrote since, each
// block at most once between two flushes.
class Client {
  public:
    Client(Device& device, MemoryStore& store)
        : device_(device), store_(store), durable_(content_of(store)), now_(durable_) {}

    void write(std::uint64_t at_block, ByteView content) {
        Bytes after = now_;
        std::copy(content.begin(), content.end(), at(after, at_block));
        request(after, [&] { device_.write(at_block * block_bytes, content); });
    }
    void unmap(std::uint64_t at_block, std::uint64_t blocks) {
        Bytes after = now_;
        std::fill_n(at(after, at_block), blocks * block_bytes, std::byte{});
        request(after, [&] { device_.unmap(at_block * block_bytes, blocks * block_bytes); });
    }
    bool flush() {
        if (!request(now_, [&] { device_.flush(); })) return false;
        durable_ = now_;
        return true;
    }
    void idle() {
        request(now_, [&] { device_.do_idle_work(); });
        flush();
    }
    void read() {
        Bytes content(now_.size());
        if (!request(now_, [&] { device_.read(0, content); })) return;
        REQUIRE(std::memcmp(content.data(), now_.data(), now_.size()) == 0);
    }

  private:
    static Bytes::iterator at(Bytes& bytes, std::uint64_t block) {
        return bytes.begin() + static_cast<std::ptrdiff_t>(block * block_bytes);
    }

    template <class Work>
    bool request(const Bytes& after, Work work) {
        const bool is_armed = !has_failed_;
        armed = is_armed;
        try {
            work();
            armed = false;
            now_ = after;
            return true;
        } catch (const std::bad_alloc&) {
            armed = false;
        }
        REQUIRE(is_armed);
        has_failed_ = true;
        look(after);
        return false;
    }

    // A failed request left of each block what it was, or what it was to be. So has a server that
    // is killed now, but for what was not flushed.
    void look(const Bytes& after) {
        Bytes live(now_.size());
        device_.read(0, live);
        const Bytes killed = content_of(store_);
        for (std::size_t from = 0; from < live.size(); from += block_bytes) {
            const auto is = [&](const Bytes& a, const Bytes& b) {
                return std::memcmp(a.data() + from, b.data() + from, block_bytes) == 0;
            };
            const bool lives = is(live, now_) || is(live, after);
            const bool survives = is(killed, durable_) || is(killed, now_) || is(killed, after);
            if (lives && survives) continue;
            INFO("block " << from / block_bytes);
            REQUIRE(lives);
            REQUIRE(survives);
        }
        now_ = live;
    }

    Device& device_;
    MemoryStore& store_;
    Bytes durable_;
    Bytes now_;
    bool has_failed_ = false;
};

// Three windows of text, each an extent, and behind them nothing; or, in a full image, what does
// not compress: hardly a hole is left for the journal.
std::unique_ptr<MemoryStore> make_image(bool is_full) {
    constexpr std::uint64_t windows = 14;
    Random random = make_random(12);
    auto content =
        make_content(random, is_full ? Content::random : Content::zeros, windows * window_bytes);
    const Bytes compressible = text(3 * window_blocks);
    std::copy(compressible.begin(), compressible.end(), content.begin());
    PackOptions options;
    options.extents.blocks = window_blocks;
    return pack_in_memory(content, options);
}

// Whether an allocation failed in it.
bool run(Lack kind, std::int64_t number, const MemoryStore& image) {
    MemoryStore store(image.size_bytes());
    store.write_at(0, image.bytes());
    DeviceOptions options;
    options.cache_bytes = 4 * window_bytes;
    options.decode_cache_bytes = 16 * block_bytes;
    options.compaction = Compaction::idle;
    Device device(store, options);
    Client client(device, store);
    lack = kind;
    left = number;
    const Bytes some = text(40);
    const auto part = [&](std::uint64_t first, std::uint64_t count) {
        return ByteView(some).subspan(first * block_bytes, count * block_bytes);
    };
    client.write(5, part(0, 1));
    client.write(30, part(1, 5));
    client.unmap(40, 3);
    client.flush();
    // More than waits at a time.
    for (std::uint64_t window = 4; window < 9; ++window)
        client.write(window * window_blocks, part(8, window_blocks));
    client.write(6, part(3, 1));
    client.read();
    client.flush();
    client.write(9, part(4, 1));
    client.idle();
    client.write(10 * window_blocks, part(8, window_blocks));
    if (!client.flush()) CHECK(client.flush());
    CHECK(device.status().durable);
    CHECK(device.status().waiting_bytes == 0);
    client.read();
    device.close();
    CHECK(find_fault(store) == "");
    return left < 0;
}

}  // namespace

TEST_CASE("no memory at any place loses nothing, and the device goes on") {
    // Allocations are much alike from window to window.
    constexpr std::int64_t step = 5 * std::int64_t{sanitized_step};
    for (const bool is_full : {false, true}) {
        const auto image = make_image(is_full);
        for (const Lack kind : {Lack::once, Lack::for_a_time}) {
            std::int64_t number = 0;
            for (;; number += step) {
                INFO((is_full ? "full: " : "")
                     << (kind == Lack::once ? "only" : "from") << " allocation " << number);
                if (!run(kind, number, *image)) break;
            }
            CHECK(number > 100);
        }
    }
}
