// SPDX-License-Identifier: GPL-2.0-or-later
#include "testing/crash_test.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <unordered_map>

#include "engine/for_each.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/format/payload.hpp"
#include "insitu/internal/image/window_reader.hpp"
#include "insitu/internal/journal/recovery.hpp"
#include "testing/crash_run.hpp"

namespace insitu {

namespace {

using Event = RecordingStore::Event;

// Puts a part of what was not synced on the medium: any subset of its sectors, each with the
// content that any of the writes gave it.
void add_unsynced(ByteSpan medium, std::span<const Event> pending, CrashRandom& random) {
    // 0: nothing; 1: all; 2: all but sectors of the last write; else sectors at a random rate, the
    // writes in a random order.
    const std::uint64_t mode = pick(random, 8);
    if (mode == 0) return;
    std::vector<const Event*> order;
    for (const Event& event : pending) {
        if (!event.is_sync()) order.push_back(&event);
    }
    if (mode > 3) std::shuffle(order.begin(), order.end(), random);
    const std::uint64_t rate = mode <= 2 ? 100 : pick(random, 101);
    for (const Event* event : order) {
        const bool torn = mode == 2 && event == order.back();
        // Some writes come whole or not at all.
        const bool whole = mode > 5;
        if (whole && pick(random, 100) >= rate) continue;
        for (std::size_t at = 0; at < event->bytes.size(); at += sector_bytes) {
            if (!whole && (torn ? pick(random, 2) == 0 : pick(random, 100) >= rate)) continue;
            const std::size_t length =
                std::min<std::size_t>(sector_bytes, event->bytes.size() - at);
            std::memcpy(medium.data() + event->at_byte + at, event->bytes.data() + at, length);
        }
    }
}

// Reads whole images fast: what a window holds is remembered by the hash of its bytes.
class ContentReader {
  public:
    // The blocks' hashes; throws where meta or payloads are not what a sound image has.
    const std::vector<std::uint64_t>& window(const MemoryStore& store, const Image& image,
                                             WindowIndex window) {
        const Geometry& geometry = image.geometry();
        MetaCursor cursor(image);
        const auto meta = cursor.meta(window);
        const std::uint64_t length = geometry.blocks_in_window(window) * block_bytes;
        const ByteView space =
            store.bytes().subspan(geometry.block_at_byte(first_block_of(window)), length);
        const std::uint64_t key = XXH3_64bits_withSeed(
            space.data(), space.size(), XXH3_64bits(meta.data(), meta.size()) + window.value);
        const auto found = known_.find(key);
        if (found != known_.end()) return found->second;
        check_map(image, cursor.map(window), window, space);
        std::vector<std::byte> content(length);
        WindowReader(image).read(window, content, nullptr);
        std::vector<std::uint64_t> hashes;
        for (std::uint64_t at = 0; at < length; at += block_bytes)
            hashes.push_back(hash_of_block(ByteView(content).subspan(at, block_bytes)));
        return known_.emplace(key, std::move(hashes)).first->second;
    }

  private:
    static void check_map(const Image& image, const WindowMap& map, WindowIndex window,
                          ByteView space) {
        const Place place{.file = image.store().name(), .window = window};
        if (!map.sound()) throw Error(ErrorKind::damaged, place, "meta is unsound");
        for (const Extent extent : map.extents()) {
            if (extent.unmapped() || extent.raw()) continue;
            const std::uint32_t length = unsafe_stream_length(
                space.subspan(extent.first * block_bytes, extent.payload_sectors * sector_bytes));
            if (stream_fits(length, extent.payload_sectors)) continue;
            throw Error(
                ErrorKind::damaged, place,
                fmt::format("stream of {} bytes in {} sectors", length, extent.payload_sectors));
        }
    }

    std::unordered_map<std::uint64_t, std::vector<std::uint64_t>> known_;
};

// The cuts of one run.
class CutMaker {
  public:
    CutMaker(const CrashTestOptions& options, std::uint64_t number)
        : options_(options), number_(number), random_(options.seed * 7919 + number) {
        record_run(options, number, run_);
        synced_ = run_.start;
        state_ = std::make_unique<MemoryStore>(run_.start.size());
        result_.unprotected_runs = run_.unprotected_commits != 0 ? 1 : 0;
        result_.refused_requests = run_.refused_requests;
    }

    CrashTestResult make() {
        const std::vector<Event>& events = run_.store->events();
        result_.runs = 1;
        for (const std::string& text : run_.violations)
            violated(0, text);
        for (const Event& event : events)
            ++(event.is_sync() ? result_.syncs : result_.writes);
        std::vector<std::size_t> cuts;
        for (std::size_t cut = 0; cut <= events.size(); ++cut)
            cuts.push_back(cut);
        while (cuts.size() < options_.states_a_run)
            cuts.push_back(pick(random_, events.size() + 1));
        std::sort(cuts.begin(), cuts.end());
        for (const std::size_t cut : cuts) {
            advance_to(cut);
            test_state(cut);
        }
        return result_;
    }

  private:
    // Everything before the last sync before the cut is on the medium.
    void advance_to(std::size_t cut) {
        const std::vector<Event>& events = run_.store->events();
        for (; seen_ < cut; ++seen_) {
            if (!events[seen_].is_sync() || options_.syncs == CrashTestOptions::Syncs::ignored) {
                continue;
            }
            for (; synced_events_ <= seen_; ++synced_events_) {
                const Event& event = events[synced_events_];
                std::copy(event.bytes.begin(), event.bytes.end(),
                          synced_.begin() + static_cast<std::ptrdiff_t>(event.at_byte));
            }
        }
    }

    void test_state(std::size_t cut) {
        ++result_.states;
        state_->write_at(0, synced_);
        const std::span events(run_.store->events());
        add_unsynced(state_->bytes(), events.subspan(synced_events_, cut - synced_events_),
                     random_);
        try {
            if (pick(random_, 8) == 0) cut_recovery();
            if (apply_intents(*state_).windows != 0) ++result_.recovered_states;
            clear_intents(*state_);
            check_content(cut);
            ask_judge(cut);
        } catch (const Error& error) {
            violated(cut, error.what());
        }
    }

    // The power fails again while the image is recovered.
    void cut_recovery() {
        RecordingStore recording(state_->bytes());
        apply_intents(recording);
        clear_intents(recording);
        const std::vector<Event>& events = recording.events();
        const std::size_t cut = pick(random_, events.size() + 1);
        std::size_t pending = 0;
        for (std::size_t i = 0; i < cut; ++i) {
            if (!events[i].is_sync()) continue;
            for (; pending <= i; ++pending) {
                if (!events[pending].is_sync()) {
                    state_->write_at(events[pending].at_byte, events[pending].bytes);
                }
            }
        }
        add_unsynced(state_->bytes(), std::span(events).subspan(pending, cut - pending), random_);
        ++result_.recut_states;
    }

    // Blocks that nobody was writing hold what they must, also if others cannot be read.
    void check_others(std::size_t cut, const Image& image, WindowIndex window) {
        class Damage final : public DamageSink {
          public:
            void damaged(const ExtentDamage& damage) override { extents.push_back(damage.extent); }
            std::vector<StoredExtent> extents;
        } damage;
        std::vector<std::byte> content(image.geometry().blocks_in_window(window) * block_bytes);
        WindowReader(image).read(window, content, &damage);
        for (std::uint64_t i = 0; i * block_bytes < content.size(); ++i) {
            const BlockIndex block = first_block_of(window) + i;
            const bool is_damaged = std::any_of(
                damage.extents.begin(), damage.extents.end(),
                [&](const auto& extent) { return extent.first <= block && block < extent.end(); });
            const auto hash =
                hash_of_block(ByteView(content).subspan(i * block_bytes, block_bytes));
            if (run_.book->in_flight(block.value, cut)) continue;
            if (!is_damaged && run_.book->allows(block.value, cut, hash)) continue;
            return violated(
                cut, fmt::format("block {}, which nobody was writing, is lost", block.value));
        }
    }

    void check_content(std::size_t cut) {
        const Image image = Image::open(*state_, SizeCheck::strict, PendingCheck::ignore);
        if (run_.unprotected_commits != 0) {
            for (WindowIndex window{0}; window.value < image.geometry().window_count();
                 window = window + 1) {
                check_others(cut, image, window);
            }
            return;
        }
        for (WindowIndex window{0}; window.value < image.geometry().window_count();
             window = window + 1) {
            const auto& hashes = reader_.window(*state_, image, window);
            for (std::size_t i = 0; i < hashes.size(); ++i) {
                const BlockIndex block = first_block_of(window) + i;
                if (run_.book->allows(block.value, cut, hashes[i])) continue;
                return violated(cut, fmt::format("block {} holds what it must not", block.value));
            }
        }
    }

    void ask_judge(std::size_t cut) {
        if (!options_.check || run_.unprotected_commits != 0 ||
            result_.states % options_.check_every != 0)
            return;
        ++result_.checked_states;
        const std::string text = options_.check(*state_);
        if (!text.empty()) violated(cut, text);
    }

    void violated(std::size_t cut, const std::string& text) {
        constexpr std::size_t most_examples = 3;
        ++result_.violations;
        if (result_.examples.size() >= most_examples) return;
        result_.examples.push_back(fmt::format("seed {}, run {}, cut at event {} of {}: {}",
                                               options_.seed, number_, cut,
                                               run_.store->events().size(), text));
    }

    CrashTestOptions options_;
    std::uint64_t number_;
    CrashTestResult result_;
    CrashRun run_;
    CrashRandom random_;
    std::vector<std::byte> synced_;
    std::size_t synced_events_ = 0;
    std::size_t seen_ = 0;
    std::unique_ptr<MemoryStore> state_;
    ContentReader reader_;
};

void add(CrashTestResult& total, const CrashTestResult& part) {
    constexpr std::size_t most_examples = 20;
    total.runs += part.runs;
    total.writes += part.writes;
    total.syncs += part.syncs;
    total.states += part.states;
    total.recovered_states += part.recovered_states;
    total.recut_states += part.recut_states;
    total.checked_states += part.checked_states;
    total.unprotected_runs += part.unprotected_runs;
    total.refused_requests += part.refused_requests;
    total.violations += part.violations;
    for (const std::string& example : part.examples) {
        if (total.examples.size() < most_examples) total.examples.push_back(example);
    }
}

}  // namespace

CrashTestResult crash_test(const CrashTestOptions& options, const Control& control) {
    CrashTestResult total;
    // By number, so that neither the threads nor their order matter.
    std::uint64_t next = 0;
    std::uint64_t planned_states = 0;
    for_each_in_order<std::uint64_t>(
        control,
        [&](std::uint64_t& number) {
            if (planned_states >= options.states) return false;
            planned_states += options.states_a_run;
            number = next++;
            return true;
        },
        [&] {
            return OrderedWorker{std::make_unique<CrashTestResult>(),
                                 [&](CrashTestResult& part, std::uint64_t number) {
                                     part = CutMaker(options, number).make();
                                 },
                                 [&](CrashTestResult& part, std::uint64_t) { add(total, part); }};
        });
    return total;
}

}  // namespace insitu
