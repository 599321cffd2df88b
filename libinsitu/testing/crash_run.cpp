// SPDX-License-Identifier: GPL-2.0-or-later
#include "testing/crash_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <thread>
#include <utility>

#include "insitu/error.hpp"
#include "insitu/internal/device/device.hpp"
#include "insitu/internal/format/geometry.hpp"
#include "insitu/internal/image/create.hpp"

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

// A client with one request at a time. Blocks belong to the clients in stretches, in turn.
class Client {
  public:
    Client(Device& device, CrashRun& run, DeviceOptions options, CrashRandom& random)
        : device_(device), run_(run), options_(std::move(options)), random_(random) {}

    void request(unsigned client, unsigned clients) {
        constexpr std::uint64_t stretch = 8;
        const std::uint64_t count = run_.book->size();
        std::uint64_t first = pick(random_, count);
        std::uint64_t longest = pick(random_, 4) == 0 ? 48 : 4;
        if (clients > 1) {
            first = first / stretch / clients * clients * stretch + client * stretch;
            if (first >= count) first = client * stretch;
            longest = stretch;
        }
        const std::uint64_t blocks = 1 + pick(random_, std::min(count - first, longest));
        const auto durability =
            pick(random_, 6) == 0 ? Device::Durability::fua : Device::Durability::later;
        std::vector<std::byte> content(blocks * block_bytes);
        switch (pick(random_, 20)) {
            case 0:
            case 1:
                return flush();
            case 2:
                return device_.do_idle_work();
            case 3:
            case 4:
                return change(first, content, durability, Kind::unmap);
            default:
                fill_content(random_, content);
                return change(first, content, durability, Kind::write);
        }
    }

    void flush() {
        const auto versions = run_.book->flush_begins();
        device_.flush();
        run_.book->flush_returned(run_.store->event_count(), versions);
    }

    enum class Kind { write, unmap };
    void change(std::uint64_t first, ByteView content, Device::Durability durability, Kind kind) {
        const std::uint64_t count = content.size() / block_bytes;
        run_.book->issued(run_.store->event_count(), first, content);
        try {
            if (kind == Kind::unmap) {
                device_.unmap(first * block_bytes, content.size(), durability);
            } else {
                device_.write(first * block_bytes, content, durability);
            }
        } catch (const Error& error) {
            if (error.os_error() != ENOSPC) throw;
            ++run_.refused_requests;
            return;
        }
        run_.book->completed(first, count);
        if (durability == Device::Durability::fua ||
            options_.policy == CommitPolicy::writethrough) {
            run_.book->durable(run_.store->event_count(), first, count);
        }
    }

  private:
    Device& device_;
    CrashRun& run_;
    DeviceOptions options_;
    CrashRandom& random_;
};

std::vector<std::byte> empty_image(std::uint64_t blocks, Algorithm algorithm, CrashRandom& random) {
    MemoryStore store(smallest_device_blocks(blocks) * block_bytes);
    // Holes hold anything.
    for (std::byte& byte : store.bytes())
        byte = static_cast<std::byte>(random());
    const SuperBlock super = super_block_for(store.size_bytes(), algorithm, store.name());
    store.zero(block_bytes, super.counts.meta_blocks * block_bytes);
    write_super_block_last(store, super, std::nullopt);
    return {store.bytes().begin(), store.bytes().end()};
}

DeviceOptions device_options(std::uint64_t number) {
    DeviceOptions options;
    options.level = Level::fast;
    constexpr std::uint64_t sizes[] = {std::uint64_t{8} << 20, 1, std::uint64_t{600} << 10};
    options.cache_bytes = sizes[number % std::size(sizes)];
    options.decode_cache_bytes = std::uint64_t{2} << 20;
    if (number % 5 == 4) options.policy = CommitPolicy::writethrough;
    if (number % 4 > 1) options.compaction = Compaction::idle;
    options.commit_delay = std::chrono::milliseconds(1);
    options.unprotected = UnprotectedCommits::refuse;
    return options;
}

// Opens devices on the medium one after the other; all but the last are left as by kill -9.
class Recorder {
  public:
    Recorder(const CrashTestOptions& options, std::uint64_t number, CrashRun& run,
             CrashRandom& random)
        : options_(options), device_options_(device_options(number)), run_(run), random_(random) {}

    void record() {
        std::uint64_t left = options_.requests;
        for (bool first = true; left > 0; first = false) {
            const std::uint64_t requests = std::min<std::uint64_t>(left, 1 + pick(random_, 60));
            left -= requests;
            Device device(*run_.store, device_options_);
            if (first) {
                begin(device);
            } else {
                look(device);
            }
            run_session(device, requests);
            if (left == 0 && pick(random_, 2) == 0) {
                Client(device, run_, device_options_, random_).flush();
                device.close();
            }
            run_.unprotected_commits += device.counters().unprotected_commits;
        }
    }

  private:
    // Half of it is there when the random part begins, mostly in whole windows, or all.
    void begin(Device& device) {
        run_.book->open(device.geometry().data_blocks());
        if (options_.fill == CrashTestOptions::Fill::random) return fill_whole(device);
        std::vector<std::byte> content(run_.book->size() / 2 * block_bytes);
        fill_content(random_, content);
        Client(device, run_, device_options_, random_)
            .change(pick(random_, 2) * 16, content, Device::Durability::fua, Client::Kind::write);
    }

    // No hole is left.
    void fill_whole(Device& device) {
        std::vector<std::byte> content(run_.book->size() * block_bytes);
        for (std::byte& byte : content)
            byte = static_cast<std::byte>(random_());
        Client(device, run_, device_options_, random_)
            .change(0, content, Device::Durability::fua, Client::Kind::write);
    }

    // What an interrupted device left is durable as soon as the next one has opened it.
    void look(Device& device) {
        std::vector<std::byte> content(device.size_bytes());
        device.read(0, content);
        const std::size_t now = run_.store->event_count();
        for (std::uint64_t i = 0; i < run_.book->size(); ++i) {
            const ByteView block = ByteView(content).subspan(i * block_bytes, block_bytes);
            if (!run_.book->allows(i, now, hash_of_block(block))) {
                run_.violations.push_back(
                    fmt::format("block {} holds what it must not when opened again", i));
            }
        }
        run_.book->issued(now, 0, content);
        run_.book->completed(0, run_.book->size());
        run_.book->durable(now, 0, run_.book->size());
    }

    void run_session(Device& device, std::uint64_t requests) {
        const unsigned clients = options_.clients;
        if (clients == 1) {
            Client client(device, run_, device_options_, random_);
            for (std::uint64_t i = 0; i < requests; ++i)
                client.request(0, 1);
            return;
        }
        device.start_commits();
        std::vector<std::thread> threads;
        std::vector<std::string> errors(clients);
        for (unsigned c = 0; c < clients; ++c) {
            threads.emplace_back([&, c, seed = random_()] {
                CrashRandom random(seed);
                Client client(device, run_, device_options_, random);
                try {
                    for (std::uint64_t i = c; i < requests; i += clients)
                        client.request(c, clients);
                } catch (const std::exception& error) {
                    errors[c] = error.what();
                }
            });
        }
        for (std::thread& thread : threads)
            thread.join();
        for (const std::string& error : errors) {
            if (!error.empty()) run_.violations.push_back(error);
        }
    }

    const CrashTestOptions& options_;
    DeviceOptions device_options_;
    CrashRun& run_;
    CrashRandom& random_;
};

}  // namespace

void record_run(const CrashTestOptions& options, std::uint64_t number, CrashRun& run) {
    CrashRandom random(options.seed * 1000003 + number);
    const Algorithm algorithm = number % 2 == 0 ? Algorithm::lzo : Algorithm::deflate;
    run.start = empty_image(options.blocks, algorithm, random);
    run.store = std::make_unique<RecordingStore>(run.start);
    run.book = std::make_unique<Book>();
    Recorder(options, number, run, random).record();
}

}  // namespace insitu
