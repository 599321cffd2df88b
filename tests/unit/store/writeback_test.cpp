// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/writeback.hpp"

#include <atomic>
#include <thread>
#include <vector>

#include "insitu/internal/store/null_store.hpp"
#include "support/catch.hpp"

using namespace insitu;

namespace {

// Remembers what it is told to write back; each call waits until the test lets it go.
class ListeningStore final : public NullStore {
  public:
    ListeningStore() : NullStore(1 << 20) {}

    void start_writeback(std::uint64_t at_byte, std::uint64_t length_bytes) override {
        calls.fetch_add(1);
        while (held.load())
            std::this_thread::yield();
        ranges.emplace_back(at_byte, at_byte + length_bytes);
    }

    std::atomic<unsigned> calls = 0;
    std::atomic<bool> held = true;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;  // of the thread, until it ends
};

void wait_for_calls(const ListeningStore& store, unsigned calls) {
    while (store.calls.load() < calls)
        std::this_thread::yield();
}

}  // namespace

TEST_CASE("ranges that come while one is under way are joined") {
    ListeningStore store;
    {
        Writeback writeback(store);
        writeback.written(4096, 4096);
        wait_for_calls(store, 1);
        writeback.written(65536, 4096);
        writeback.written(16384, 512);
        writeback.written(32768, 8192);
        store.held = false;
        wait_for_calls(store, 2);
    }
    REQUIRE(store.ranges.size() == 2);
    CHECK(store.ranges[0] == std::pair<std::uint64_t, std::uint64_t>(4096, 8192));
    CHECK(store.ranges[1] == std::pair<std::uint64_t, std::uint64_t>(16384, 69632));
}

TEST_CASE("a writeback that was told nothing ends at once") {
    ListeningStore store;
    { const Writeback writeback(store); }
    CHECK(store.calls == 0);
}
