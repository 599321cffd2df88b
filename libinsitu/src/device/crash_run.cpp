#include "device/crash_run.hpp"

#include <xxhash.h>

#include <algorithm>
#include <string_view>

#include "insitu/format/geometry.hpp"
#include "insitu/image/create.hpp"

namespace insitu {

namespace {

// Compresses well, hardly, or not at all.
void fill_content(CrashRandom& random, ByteSpan out) {
    static constexpr std::string_view words[] = {"extent ", "window ", "payload\n", "share ",
                                                 "sector ", "head, ",  "tail. ",    "1403 "};
    const std::uint64_t kind = pick(random, 6);
    for (std::size_t at = 0; at < out.size();) {
        if (kind == 0 || (kind == 1 && at % block_bytes < block_bytes / 2)) {
            out[at++] = static_cast<std::byte>(random());
            continue;
        }
        for (const char letter : words[pick(random, std::size(words))]) {
            if (at < out.size()) out[at++] = static_cast<std::byte>(letter);
        }
    }
}

// A client with one request at a time, and its book of what it may rely on.
class Client {
  public:
    Client(Device& device, CrashRun& run, CrashRandom& random)
        : device_(device), run_(run), random_(random) {}

    void request() {
        const std::uint64_t count = run_.blocks.size();
        const std::uint64_t first = pick(random_, count);
        const std::uint64_t longest = pick(random_, 4) == 0 ? 48 : 4;
        const std::uint64_t blocks = 1 + pick(random_, std::min(count - first, longest));
        const auto durability =
            pick(random_, 6) == 0 ? Device::Durability::fua : Device::Durability::later;
        switch (pick(random_, 9)) {
            case 0:
                return flush();
            case 1:
                return change(first, std::vector<std::byte>(blocks * block_bytes), durability,
                              true);
            default: {
                std::vector<std::byte> content(blocks * block_bytes);
                fill_content(random_, content);
                return change(first, content, durability, false);
            }
        }
    }

    void flush() {
        device_.flush();
        for (BlockHistory& block : run_.blocks)
            block.flushed(run_.store->event_count());
    }

    void change(std::uint64_t first, ByteView content, Device::Durability durability, bool unmap) {
        const std::uint64_t count = content.size() / block_bytes;
        const std::size_t time = run_.store->event_count();
        for (std::uint64_t i = 0; i < count; ++i) {
            run_.blocks[first + i].issued(
                time, hash_of_block(content.subspan(i * block_bytes, block_bytes)));
        }
        if (unmap) {
            device_.unmap(first * block_bytes, content.size(), durability);
        } else {
            device_.write(first * block_bytes, content, durability);
        }
        if (durability == Device::Durability::later) return;
        for (std::uint64_t i = 0; i < count; ++i)
            run_.blocks[first + i].flushed(run_.store->event_count());
    }

  private:
    Device& device_;
    CrashRun& run_;
    CrashRandom& random_;
};

std::vector<std::byte> empty_image(std::uint64_t blocks, Algorithm algorithm, CrashRandom& random) {
    MemoryStore store(smallest_device_blocks(blocks) * block_bytes);
    // Holes hold anything.
    for (std::byte& byte : store.bytes())
        byte = static_cast<std::byte>(random());
    const SuperBlock super = super_block_for(store.size_bytes(), algorithm, store.name());
    store.zero(block_bytes, super.counts.meta_blocks * block_bytes);
    write_super_block_last(store, super);
    return {store.bytes().begin(), store.bytes().end()};
}

DeviceOptions device_options(std::uint64_t number) {
    DeviceOptions options;
    options.level = Level::fast;
    constexpr std::uint64_t sizes[] = {std::uint64_t{8} << 20, 1, std::uint64_t{600} << 10};
    options.cache_bytes = sizes[number % std::size(sizes)];
    return options;
}

}  // namespace

std::uint64_t hash_of_block(ByteView block) noexcept {
    return XXH3_64bits(block.data(), block.size());
}

bool BlockHistory::allows(std::size_t cut, std::uint64_t hash) const noexcept {
    std::size_t oldest = 0;
    for (const Promise& promise : promises_) {
        if (promise.time <= cut) oldest = std::max(oldest, promise.version);
    }
    for (std::size_t i = oldest; i < versions_.size() && versions_[i].time <= cut; ++i) {
        if (versions_[i].hash == hash) return true;
    }
    return false;
}

CrashRun record_run(const CrashTestOptions& options, std::uint64_t number) {
    CrashRandom random(options.seed * 1000003 + number);
    const Algorithm algorithm = number % 2 == 0 ? Algorithm::lzo : Algorithm::deflate;
    CrashRun run;
    run.start = empty_image(options.blocks, algorithm, random);
    run.store = std::make_unique<RecordingStore>(run.start);
    Device device(*run.store, device_options(number));
    run.blocks.resize(device.geometry().data_blocks());
    const std::vector<std::byte> zeros(block_bytes);
    for (BlockHistory& block : run.blocks)
        block.issued(0, hash_of_block(zeros));
    Client client(device, run, random);
    client.flush();
    // Half of it is there when the random part begins, mostly in whole windows.
    std::vector<std::byte> content(run.blocks.size() / 2 * block_bytes);
    fill_content(random, content);
    client.change(pick(random, 2) * 16, content, Device::Durability::fua, false);
    for (std::uint64_t i = 0; i < options.requests; ++i)
        client.request();
    if (pick(random, 2) == 0) {
        client.flush();
        device.close();
    }
    run.counters = device.counters();
    return run;
}

}  // namespace insitu
