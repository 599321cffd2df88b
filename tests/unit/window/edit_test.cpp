// SPDX-License-Identifier: GPL-2.0-or-later
// Edits of one window as a table: a plan, what is written, and the plan that comes of it.
#include "window/edit.hpp"

#include "insitu/internal/window/payload_decoder.hpp"
#include "support/catch.hpp"
#include "support/random_content.hpp"

using namespace insitu;
using namespace insitu::test;
using Bytes = std::vector<std::byte>;
using Placing = WindowEditor::Placing;
using Rest = WindowEditor::Rest;

namespace {

// Blocks of a window by letters: `t` text, `e` text that is the same in each block, `r` random,
// `0` zeros, `.` not written.
void write(std::string_view blocks, unsigned salt, DirtyBlocks& dirty, BlockPool& pool,
           Bytes& model) {
    for (unsigned block = 0; block < blocks.size(); ++block) {
        if (blocks[block] == '.') continue;
        const bool is_same = blocks[block] == 'e';
        Random random = make_random(is_same ? 4999 : 5000 + salt * 100 + block);
        const auto kind = blocks[block] == 'r'   ? Content::random
                          : blocks[block] == '0' ? Content::zeros
                                                 : Content::text;
        const Bytes content = make_content(random, kind, block_bytes);
        std::copy(content.begin(), content.end(),
                  model.begin() + static_cast<std::ptrdiff_t>(block * block_bytes));
        dirty.set(block, kind == Content::zeros ? nullptr : content.data(), pool);
    }
}

void read(const PlannedExtent& extent, ByteSpan output) {
    if (extent.unmapped()) return std::fill(output.begin(), output.end(), std::byte{0});
    REQUIRE(extent.held);
    if (extent.raw()) {
        std::copy(extent.held->begin(), extent.held->end(), output.begin());
        return;
    }
    PayloadDecoder decoder(Algorithm::lzo);
    REQUIRE_FALSE(decoder.decode(BlockIndex{extent.first}, *extent.held, output));
}

// "0+4c 4+1r 5+27u": compressed, raw, unmapped.
std::string text_of(const WindowPlan& plan) {
    std::string text;
    for (const PlannedExtent& extent : plan) {
        if (!text.empty()) text += ' ';
        text += std::to_string(extent.first) + "+" + std::to_string(extent.blocks);
        text += extent.unmapped() ? 'u' : extent.raw() ? 'r' : 'c';
    }
    return text;
}

struct Window {
    WindowPlan plan{{0, window_blocks, 0, nullptr}};
    Bytes model = Bytes(window_bytes);
    ExtentEncoder encoder{{.algorithm = Algorithm::lzo}, Seals::write};
    AlignedBuffer content{window_bytes};
    BlockPool pool;
    std::uint64_t rewritten = 0;
    bool changed = false;
    unsigned edits = 0;

    void merge(std::string_view blocks, Placing placing = Placing::encode, Rest rest = Rest::runs) {
        DirtyBlocks dirty;
        keep_rest(blocks, dirty);
        write(blocks, edits++, dirty, pool, model);
        WindowEditor editor({0}, encoder, content);
        plan = editor.merge(plan, dirty, placing, rest);
        dirty.clear(pool);
        REQUIRE(dirty.empty());
        keep_counts(editor);
    }
    void compact() {
        WindowEditor editor({0}, encoder, content);
        plan = editor.compact(plan, read);
        keep_counts(editor);
    }
    void check(const char* expected) {
        CHECK(text_of(plan) == expected);
        Bytes now(window_bytes);
        for (const PlannedExtent& extent : plan)
            read(extent,
                 ByteSpan(now).subspan(extent.first * block_bytes, extent.blocks * block_bytes));
        CHECK(now == model);
    }

  private:
    // What a device knows of the extents that are written in part.
    void keep_rest(std::string_view blocks, DirtyBlocks& dirty) {
        for (const PlannedExtent& extent : plan) {
            unsigned count = 0;
            for (unsigned block = extent.first; block < extent.end(); ++block)
                count += block < blocks.size() && blocks[block] != '.';
            if (!extent.compressed() || count == 0 || count == extent.blocks) continue;
            Bytes whole(extent.blocks * block_bytes);
            read(extent, whole);
            for (unsigned block = 0; block < extent.blocks; ++block) {
                dirty.keep(extent.first + block, whole.data() + block * block_bytes, pool);
            }
        }
    }
    void keep_counts(const WindowEditor& editor) {
        rewritten = editor.rewritten_extents();
        changed = editor.changed();
    }
};

constexpr const char* all_text = "tttttttttttttttttttttttttttttttt";

}  // namespace

TEST_CASE("what is written becomes extents of its own") {
    struct Row {
        const char* before;
        const char* written;
        const char* plan;
        unsigned decoded;
    };
    const Row rows[] = {
        {"", all_text, "0+32c", 0},
        {"", "..tt..rr", "0+2u 2+2c 4+2u 6+2r 8+24u", 0},
        {all_text, ".....t", "0+5c 5+1c 6+26c", 1},
        {all_text, "t", "0+1c 1+31c", 1},
        {all_text, "...............................t", "0+31c 31+1c", 1},
        {all_text, "....0000", "0+4c 4+4u 8+24c", 1},
        {all_text, ".r.r", "0+1c 1+1r 2+1c 3+1r 4+28c", 1},
        // Who replaces all of an extent decodes nothing.
        {all_text, all_text, "0+32c", 0},
        {"tttt....tttt", "tttt", "0+4c 4+4u 8+4c 12+20u", 0},
        {"tttt....tttt", "..tttttttt", "0+2c 2+8c 10+2c 12+20u", 2},
        // What is raw is cut by its meta alone.
        {"rrrrrrrr", "...r", "0+3r 3+1r 4+4r 8+24u", 0},
        {"rrrrrrrr", "..00", "0+2r 2+2u 4+4r 8+24u", 0},
    };
    for (const Row& row : rows) {
        INFO(row.before << " then " << row.written);
        Window window;
        window.merge(row.before);
        window.merge(row.written);
        CHECK(window.changed);
        CHECK(window.rewritten == row.decoded);
        window.check(row.plan);
    }
}

TEST_CASE("what remains of an extent becomes one extent, or one for each block") {
    struct Row {
        const char* before;
        const char* written;
        const char* plan;
        unsigned decoded;
    };
    const Row rows[] = {
        {"tttttttt", ".....t", "0+1c 1+1c 2+1c 3+1c 4+1c 5+1c 6+1c 7+1c 8+24u", 1},
        {"tttttttt", "..tttt", "0+1c 1+1c 2+4c 6+1c 7+1c 8+24u", 1},
        // Nothing of it remains, or all of it.
        {"tttttttt", "tttttttt", "0+8c 8+24u", 0},
        {"tttt....tttt", "........tttt", "0+4c 4+4u 8+4c 12+20u", 0},
        // What is raw encodes nothing.
        {"rrrrrrrr", "...r", "0+3r 3+1r 4+4r 8+24u", 0},
    };
    for (const Row& row : rows) {
        INFO(row.before << " then " << row.written);
        Window window;
        window.merge(row.before);
        window.merge(row.written, Placing::encode, Rest::blocks);
        CHECK(window.rewritten == row.decoded);
        window.check(row.plan);
    }
}

TEST_CASE("of blocks it is known what was written, what is kept, and what is as it was") {
    BlockPool pool;
    DirtyBlocks dirty;
    const Bytes old(block_bytes, std::byte{1});
    const Bytes other(block_bytes, std::byte{2});
    const Bytes zeros(block_bytes);
    Bytes read(block_bytes);
    dirty.keep(3, old.data(), pool);
    dirty.keep(4, zeros.data(), pool);
    CHECK(dirty.empty());
    CHECK((dirty.knows(3) && !dirty.test(3) && !dirty.knows(5)));

    dirty.set(3, old.data(), pool);
    dirty.set(4, nullptr, pool);
    dirty.set(5, nullptr, pool);
    // As a client does that writes half a block at a time.
    dirty.set(3, old.data(), pool);
    dirty.set(4, nullptr, pool);
    CHECK(dirty.mask() == 0b111000);
    CHECK(dirty.unchanged() == 0b011000);
    CHECK(dirty.content_mask() == 0b001000);
    dirty.copy(3, read.data());
    CHECK(read == old);
    dirty.copy(4, read.data());
    CHECK(read == zeros);

    dirty.set(3, other.data(), pool);
    dirty.set(4, other.data(), pool);
    CHECK(dirty.unchanged() == 0);
    dirty.copy(4, read.data());
    CHECK(read == other);
    // What it was is not known any more.
    dirty.set(3, old.data(), pool);
    CHECK(dirty.unchanged() == 0);
    dirty.set(3, nullptr, pool);
    CHECK(dirty.content_mask() == 0b010000);
    dirty.copy(3, read.data());
    CHECK(read == zeros);

    dirty.keep(6, old.data(), pool);
    dirty.clear(pool);
    CHECK((dirty.empty() && !dirty.knows(3) && !dirty.knows(6)));
    CHECK(pool.idle() == 2);
}

TEST_CASE("what changes nothing is no change") {
    Window window;
    window.merge("tttttttt");
    SECTION("zeros over unmapped blocks") {
        window.merge("........0000");
        CHECK_FALSE(window.changed);
    }
    SECTION("the same content into a compressed extent") {
        window.edits = 0;
        window.merge("...tt");
        CHECK_FALSE(window.changed);
    }
    SECTION("nothing at all") {
        window.merge("");
        CHECK_FALSE(window.changed);
    }
    window.check("0+8c 8+24u");
}

TEST_CASE(
    "zeros that an extent holds as content are unmapped when all of it is zeros, in pieces too") {
    Window window;
    const Bytes zeros(8 * block_bytes);
    const ByteView payload = window.encoder.encode({0}, zeros);
    window.plan = {{0, 8, static_cast<unsigned>(payload.size() / sector_bytes),
                    std::make_shared<Bytes>(payload.begin(), payload.end())},
                   {8, 24, 0, nullptr}};
    window.check("0+8c 8+24u");
    DirtyBlocks dirty;
    for (unsigned block = 0; block < 8; ++block)
        dirty.keep(block, zeros.data(), window.pool);
    const auto merge = [&] {
        WindowEditor editor({0}, window.encoder, window.content);
        window.plan = editor.merge(window.plan, dirty, Placing::encode, Rest::blocks);
        return editor.changed();
    };
    for (unsigned block = 0; block < 4; ++block)
        dirty.set(block, nullptr, window.pool);
    SECTION("a part of it is no change") {
        CHECK_FALSE(merge());
        window.check("0+8c 8+24u");
    }
    SECTION("all of it") {
        for (unsigned block = 4; block < 8; ++block)
            dirty.set(block, nullptr, window.pool);
        CHECK(merge());
        window.check("0+8u 8+24u");
    }
    SECTION("beside other content") {
        const Bytes ones(block_bytes, std::byte{1});
        std::copy(ones.begin(), ones.end(), window.model.begin() + 7 * block_bytes);
        dirty.set(7, ones.data(), window.pool);
        CHECK(merge());
        window.check("0+1c 1+1c 2+1c 3+1c 4+1c 5+1c 6+1c 7+1c 8+24u");
    }
}

TEST_CASE("where nothing protects a commit, raw blocks stay raw") {
    Window window;
    window.merge("rrrrrrrr");
    window.merge("..tt", Placing::keep_raw);
    window.check("0+2r 2+2r 4+4r 8+24u");
    window.merge("..tt", Placing::encode);
    window.check("0+2r 2+2c 4+4r 8+24u");
}

TEST_CASE("cut-up extents are put together if that saves space") {
    Window window;
    for (unsigned block = 0; block < window_blocks; block += 4)
        window.merge(std::string(block, '.') + "eeee");
    window.check("0+4c 4+4c 8+4c 12+4c 16+4c 20+4c 24+4c 28+4c");
    window.compact();
    CHECK(window.changed);
    window.check("0+32c");
    window.compact();
    CHECK_FALSE(window.changed);
    Window random;
    random.merge("rrrr....rrrr");
    random.compact();
    CHECK_FALSE(random.changed);
    random.check("0+4r 4+4u 8+4r 12+20u");
}
