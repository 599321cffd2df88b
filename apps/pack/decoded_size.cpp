// SPDX-License-Identifier: GPL-2.0-or-later
#include "pack/decoded_size.hpp"

#include <array>
#include <charconv>
#include <filesystem>
#include <limits>
#include <sstream>

#include "common/process.hpp"
#include "insitu/error.hpp"
#include "insitu/internal/engine/stop_check.hpp"

namespace insitu::apps {

namespace {

// Walks over the frames of a zstd file (RFC 8878) by their headers and those of their blocks.
class ZstdFrames {
  public:
    ZstdFrames(const Store& store, const StopFlag* stop) : store_(store), stop_(stop) {}

    std::optional<std::uint64_t> content_bytes() {
        std::uint64_t sum = 0;
        while (at_ < store_.size_bytes()) {
            const auto content = next_frame();
            if (!content || *content > std::numeric_limits<std::uint64_t>::max() - sum) return {};
            sum += *content;
        }
        return sum;
    }

  private:
    static constexpr std::uint64_t magic = 0xfd2fb528;
    static constexpr std::uint64_t skippable = 0x184d2a50;
    static constexpr std::uint64_t skippable_mask = 0xfffffff0;

    // The next little-endian number; none at the end of the file.
    std::optional<std::uint64_t> take(std::size_t bytes) {
        std::array<std::byte, 8> buffer{};
        if (store_.size_bytes() - at_ < bytes) return {};
        store_.read_at(at_, ByteSpan(buffer).first(bytes));
        at_ += bytes;
        std::uint64_t value = 0;
        for (std::size_t i = bytes; i-- > 0;)
            value = value << 8U | std::to_integer<std::uint64_t>(buffer.at(i));
        return value;
    }

    bool skip(std::uint64_t bytes) {
        if (store_.size_bytes() - at_ < bytes) return false;
        at_ += bytes;
        return true;
    }

    std::optional<std::uint64_t> next_frame() {
        const auto first = take(4);
        if (!first) return {};
        if ((*first & skippable_mask) == skippable) {
            const auto length = take(4);
            if (!length || !skip(*length)) return {};
            return 0;
        }
        if (*first != magic) return {};
        const auto descriptor = take(1);
        if (!descriptor) return {};
        const auto content = frame_content(*descriptor);
        const bool has_checksum = (*descriptor & 4U) != 0;
        if (!content || !skip_blocks() || !skip(has_checksum ? 4 : 0)) return {};
        return content;
    }

    // What follows the descriptor: window, dictionary, size of the content.
    std::optional<std::uint64_t> frame_content(std::uint64_t descriptor) {
        constexpr std::array<std::size_t, 4> dictionary_bytes{0, 1, 2, 4};
        constexpr std::array<std::size_t, 4> size_bytes{0, 2, 4, 8};
        constexpr std::uint64_t two_byte_base = 256;
        const bool is_single = (descriptor & 0x20U) != 0;
        const std::size_t kind = descriptor >> 6U;
        if (!skip((is_single ? 0U : 1U) + dictionary_bytes.at(descriptor & 3U))) return {};
        const std::size_t length = kind == 0 && is_single ? 1 : size_bytes.at(kind);
        if (length == 0) return {};
        const auto content = take(length);
        if (content && length == 2) return *content + two_byte_base;
        return content;
    }

    bool skip_blocks() {
        constexpr std::uint64_t run_length = 1;
        for (bool is_last = false; !is_last;) {
            throw_if_stopped(stop_, store_.name());
            const auto header = take(3);
            if (!header) return false;
            is_last = (*header & 1U) != 0;
            const bool is_run = (*header >> 1U & 3U) == run_length;
            if (!skip(is_run ? 1 : *header >> 3U)) return false;
        }
        return true;
    }

    const Store& store_;
    const StopFlag* stop_;
    std::uint64_t at_ = 0;
};

}  // namespace

std::optional<std::uint64_t> zstd_content_bytes(const Store& store, const StopFlag* stop) {
    return ZstdFrames(store, stop).content_bytes();
}

std::optional<std::uint64_t> xz_content_bytes(const std::string& path, const StopFlag* stop) {
    // "totals", streams, blocks, compressed bytes, uncompressed bytes
    constexpr int column = 4;
    Command command;
    command.arguments = {"xz",
                         "--robot",
                         "--list",
                         "--format=xz",
                         "--force",
                         "--",
                         std::filesystem::absolute(path).string()};
    const CommandResult result = run_command(command, stop);
    const std::size_t line = result.output.find("\ntotals\t");
    if (!result.done() || line == std::string::npos) return std::nullopt;
    std::istringstream fields(result.output.substr(line + 1));
    std::string field;
    for (int i = 0; i <= column; ++i)
        std::getline(fields, field, '\t');
    std::uint64_t bytes = 0;
    const auto [rest, status] = std::from_chars(field.data(), field.data() + field.size(), bytes);
    if (status != std::errc{} || rest != field.data() + field.size()) return std::nullopt;
    return bytes;
}

}  // namespace insitu::apps
