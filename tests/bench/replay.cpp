// SPDX-License-Identifier: GPL-2.0-or-later
#include "replay.hpp"

#include <algorithm>
#include <vector>

#include "insitu/internal/image/image.hpp"
#include "insitu/internal/store/null_store.hpp"
#include "insitu/internal/store/output_file.hpp"
#include "insitu/open_store.hpp"
#include "insitu/pack.hpp"
#include "insitu/unpack.hpp"
#include "stopwatch.hpp"

using namespace insitu;

namespace {

struct Transfer {
    std::uint64_t at_byte;
    std::uint64_t length_bytes;
};

// Remembers what is written to it.
class WriteList final : public NullStore {
  public:
    using NullStore::NullStore;
    void write_at(std::uint64_t at_byte, ByteView input) override {
        writes.push_back({at_byte, input.size()});
    }
    std::vector<Transfer> writes;
};

// Remembers what is read of the store below.
class ReadList final : public Store {
  public:
    explicit ReadList(const Store& below) : Store(below.name()), below_(below) {}
    std::uint64_t size_bytes() const override { return below_.size_bytes(); }
    void read_at(std::uint64_t at_byte, ByteSpan output) const override {
        reads.push_back({at_byte, output.size()});
        below_.read_at(at_byte, output);
    }
    void write_at(std::uint64_t, ByteView) override {}
    void zero(std::uint64_t, std::uint64_t) override {}
    void sync() override {}
    std::uint64_t next_data(std::uint64_t at) const override { return below_.next_data(at); }
    std::uint64_t next_hole(std::uint64_t at) const override { return below_.next_hole(at); }

    mutable std::vector<Transfer> reads;

  private:
    const Store& below_;
};

// Reads and writes in step, as the tools do.
int replay(const Store& source, const std::vector<Transfer>& reads, const std::string& target,
           std::uint64_t target_bytes, const std::vector<Transfer>& writes) {
    std::uint64_t longest = 0;
    for (const auto* list : {&reads, &writes}) {
        for (const Transfer& access : *list)
            longest = std::max(longest, access.length_bytes);
    }
    std::vector<std::byte> buffer(longest, std::byte{0x5a});
    OutputFile output(target, target_bytes);
    const Stopwatch stopwatch;
    std::size_t written = 0;
    for (std::size_t i = 0; i < reads.size(); ++i) {
        source.read_at(reads[i].at_byte, ByteSpan(buffer).first(reads[i].length_bytes));
        for (; written * reads.size() < (i + 1) * writes.size() && written < writes.size();
             ++written) {
            output.store().write_at(writes[written].at_byte,
                                    ByteView(buffer).first(writes[written].length_bytes));
        }
    }
    output.store().sync();
    stopwatch.print_row();
    return 0;
}

}  // namespace

int replay_pack(const std::string& source_path, const std::string& target) {
    const auto source = open_store(source_path, Access::read);
    const ReadList reader(*source);
    WriteList writer(pack_target_bytes(source->size_bytes()));
    PackOptions options;
    options.codec.level = Level::fast;
    options.extents.blocks = window_blocks;
    pack(*make_source(reader), writer, options, {.threads = 1});
    return replay(*source, reader.reads, target, writer.size_bytes(), writer.writes);
}

int replay_unpack(const std::string& image_path, const std::string& target) {
    const auto store = open_store(image_path, Access::read);
    const ReadList reader(*store);
    const Image image = Image::open(reader);
    WriteList writer(unpacked_bytes(image, {}));
    unpack(image, writer, {}, {.threads = 1});
    return replay(*store, reader.reads, target, writer.size_bytes(), writer.writes);
}
