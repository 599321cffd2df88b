#include "common/manifest_parser.hpp"

#include <fmt/format.h>

#include <charconv>
#include <string_view>

#include "insitu/error.hpp"

namespace insitu::apps {

namespace {

constexpr std::size_t hash_digits = 32;
constexpr std::size_t sha256_digits = 64;
constexpr unsigned top_level = 1;
constexpr unsigned extents_level = 2;  // inside the array
constexpr unsigned extent_level = 3;   // inside one of its objects
constexpr std::uint64_t most_blocks = std::uint64_t{1} << 50;
constexpr int hexadecimal = 16;

bool parse_hex(std::string_view digits, std::uint64_t& value) {
    const char* const end = digits.data() + digits.size();
    const auto [rest, status] = std::from_chars(digits.data(), end, value, hexadecimal);
    return status == std::errc{} && rest == end;
}

}  // namespace

void ManifestParser::refuse(const std::string& text, std::string hint) const {
    throw Error(ErrorKind::refused, {.file = path_}, text, std::move(hint));
}

bool ManifestParser::number_unsigned(number_unsigned_t value) {
    if (depth_ == top_level) {
        if (key_ == "logical_bytes") head_.logical_bytes = value;
        if (key_ == "data_blocks") head_.data_blocks = value;
        if (key_ == "raw_bytes") head_.raw_bytes = value;
    } else if (in_extents_ && depth_ == extent_level) {
        if (key_ == "first_block") extent_.first = {value};
        if (key_ == "blocks") extent_.blocks = value;
    }
    return true;
}

bool ManifestParser::string(string_t& value) {
    if (depth_ == top_level) {
        if (key_ == "schema") head_.schema = value;
        if (key_ == "raw_sha256") head_.raw_sha256 = value;
    } else if (in_extents_ && depth_ == extent_level && key_ == "xxh3_128") {
        const std::string_view digits = value;
        constexpr std::size_t half = hash_digits / 2;
        has_hash_ = digits.size() == hash_digits &&
                    parse_hex(digits.substr(0, half), extent_.hash.high) &&
                    parse_hex(digits.substr(half), extent_.hash.low);
        if (!has_hash_) {
            refuse(fmt::format("extent {}: '{}' is no XXH3-128 of {} hex digits", extent_count_,
                               value, hash_digits));
        }
    }
    return true;
}

bool ManifestParser::start_object(std::size_t) {
    ++depth_;
    if (in_extents_ && depth_ == extent_level) {
        extent_ = {};
        has_hash_ = false;
    }
    return true;
}

bool ManifestParser::key(string_t& name) {
    key_ = name;
    return true;
}

bool ManifestParser::end_object() {
    if (in_extents_ && depth_ == extent_level) end_extent();
    --depth_;
    return true;
}

bool ManifestParser::start_array(std::size_t) {
    ++depth_;
    if (depth_ == extents_level && key_ == "extents") in_extents_ = true;
    return true;
}

bool ManifestParser::end_array() {
    if (depth_ == extents_level) in_extents_ = false;
    --depth_;
    return true;
}

void ManifestParser::end_extent() {
    const std::uint64_t number = extent_count_++;
    if (extent_.blocks == 0 || extent_.blocks > most_blocks || extent_.first.value > most_blocks ||
        extent_.first.value < end_block_) {
        refuse(fmt::format("extent {} has blocks {} to {}, expected some at {} or later", number,
                           extent_.first.value, extent_.first.value + extent_.blocks, end_block_));
    }
    end_block_ = extent_.first.value + extent_.blocks;
    if (has_hash_) return take_extent_(extent_);
    head_.complete = false;
}

bool ManifestParser::parse_error(std::size_t position, const std::string&,
                                 const nlohmann::json::exception&) {
    refuse(fmt::format("is no JSON document: cannot go on at byte {}", position));
}

ManifestParser::Head ManifestParser::finish() {
    const bool is_dump = head_.schema == "insitu-dump-meta/1";
    if (!is_dump && head_.schema != "insitu-manifest/1") {
        refuse(fmt::format("schema is '{}', expected insitu-manifest/1 or insitu-dump-meta/1",
                           head_.schema),
               "insitu-pack --manifest and insitu-dump-meta --hash --json write such files");
    }
    if (is_dump && head_.data_blocks && *head_.data_blocks <= most_blocks) {
        head_.logical_bytes = *head_.data_blocks * block_bytes;
    }
    if (!head_.logical_bytes) refuse("does not say how many logical_bytes there are");
    if (end_block_ * block_bytes > *head_.logical_bytes) {
        refuse(fmt::format("extents reach block {}, the content has {} bytes", end_block_,
                           *head_.logical_bytes));
    }
    if (is_dump) return std::move(head_);
    if (!head_.complete) refuse("an extent has no xxh3_128");
    if (!head_.raw_bytes || *head_.raw_bytes > *head_.logical_bytes ||
        head_.raw_sha256.size() != sha256_digits) {
        refuse("has no raw_bytes and raw_sha256", "it was not written to its end");
    }
    return std::move(head_);
}

}  // namespace insitu::apps
