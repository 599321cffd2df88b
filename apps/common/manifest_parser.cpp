// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/manifest_parser.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "common/printable.hpp"
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

bool is_sha256(std::string_view digits) {
    return digits.size() == sha256_digits &&
           digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

void ManifestParser::refuse(const std::string& text, std::string hint) const {
    throw Error(ErrorKind::refused, {.file = path_}, text, std::move(hint));
}

ManifestParser::Type ManifestParser::wanted_type() const {
    if (depth_ == top_level) {
        if (key_ == "extents") return Type::array;
        const bool text = key_ == "schema" || key_ == "raw_sha256" || key_ == "tree_sha256" ||
                          key_ == "map_sha256" || key_ == "uuid";
        if (text) return Type::string;
        const bool number = key_ == "logical_bytes" || key_ == "data_blocks" ||
                            key_ == "device_bytes" || key_ == "raw_bytes";
        return number ? Type::number : Type::any;
    }
    if (!in_extents_ || depth_ != extent_level) return Type::any;
    if (key_ == "first_block" || key_ == "blocks") return Type::number;
    return key_ == "xxh3_128" ? Type::string : Type::any;
}

void ManifestParser::expect(Type found, const char* what) {
    if (depth_ == 0) refuse(fmt::format("is {}, expected an object", what));
    if (in_extents_ && depth_ == extents_level) {
        refuse(fmt::format("extent {} is {}, expected an object", extent_count_, what));
    }
    const Type wanted = wanted_type();
    if (wanted == Type::any || wanted == found) return;
    const char* const expected = wanted == Type::number   ? "a number of 0 or more"
                                 : wanted == Type::string ? "a string"
                                                          : "an array";
    refuse(fmt::format("{} is {}, expected {}", key_, what, expected));
}

bool ManifestParser::other(const char* what) {
    expect(Type::any, what);
    return true;
}

// Bounds what the parser itself keeps for each level.
void ManifestParser::enter() {
    constexpr unsigned deepest = 64;
    if (++depth_ > deepest) refuse(fmt::format("is nested more than {} deep", deepest));
}

bool ManifestParser::number_unsigned(number_unsigned_t value) {
    expect(Type::number, "a number");
    if (depth_ == top_level) {
        if (key_ == "logical_bytes") head_.logical_bytes = value;
        if (key_ == "data_blocks") head_.data_blocks = value;
        if (key_ == "device_bytes") head_.device_bytes = value;
        if (key_ == "raw_bytes") head_.raw_bytes = value;
    } else if (in_extents_ && depth_ == extent_level) {
        if (key_ == "first_block") extent_.first = {value};
        if (key_ == "blocks") extent_.blocks = value;
    }
    return true;
}

void ManifestParser::take_uuid(const std::string& text) {
    head_.uuid = parse_uuid(text);
    if (head_.uuid) return;
    refuse(fmt::format("'{}' is not a UUID", printable(text.substr(0, sha256_digits))));
}

bool ManifestParser::string(string_t& value) {
    expect(Type::string, "a string");
    if (depth_ == top_level) {
        if (key_ == "schema") head_.schema = value;
        if (key_ == "raw_sha256") head_.raw_sha256 = value;
        if (key_ == "tree_sha256") head_.tree_sha256 = value;
        if (key_ == "map_sha256") head_.map_sha256 = value;
        if (key_ == "uuid") take_uuid(value);
    } else if (in_extents_ && depth_ == extent_level && key_ == "xxh3_128") {
        const std::string_view digits = value;
        constexpr std::size_t half = hash_digits / 2;
        has_hash_ = digits.size() == hash_digits &&
                    parse_hex(digits.substr(0, half), extent_.hash.high) &&
                    parse_hex(digits.substr(half), extent_.hash.low);
        if (!has_hash_) {
            refuse(fmt::format("extent {}: '{}' is not an XXH3-128 of {} hex digits", extent_count_,
                               printable(digits.substr(0, sha256_digits)), hash_digits));
        }
    }
    return true;
}

bool ManifestParser::start_object(std::size_t) {
    const bool is_extent = in_extents_ && depth_ == extents_level;
    if (depth_ != 0 && !is_extent) expect(Type::any, "an object");
    enter();
    if (is_extent) {
        extent_ = {};
        has_hash_ = false;
        seen_extent_.clear();
    }
    return true;
}

bool ManifestParser::key(string_t& name) {
    key_ = name;
    if (depth_ == top_level && name == "range") {
        refuse("names a range of blocks, and not all of them",
               "insitu-dump-meta --hash --json without --range writes a manifest");
    }
    if (wanted_type() == Type::any) return true;
    std::vector<std::string>& seen = depth_ == top_level ? seen_ : seen_extent_;
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
        refuse(depth_ == top_level ? fmt::format("says {} twice", name)
                                   : fmt::format("extent {} says {} twice", extent_count_, name));
    }
    seen.push_back(name);
    return true;
}

bool ManifestParser::end_object() {
    if (in_extents_ && depth_ == extent_level) end_extent();
    --depth_;
    return true;
}

bool ManifestParser::start_array(std::size_t) {
    expect(Type::array, "an array");
    enter();
    if (depth_ == extents_level && key_ == "extents") in_extents_ = has_extents_ = true;
    return true;
}

bool ManifestParser::end_array() {
    if (depth_ == extents_level) in_extents_ = false;
    --depth_;
    return true;
}

void ManifestParser::end_extent() {
    const std::uint64_t number = extent_count_++;
    for (const char* member : {"first_block", "blocks"}) {
        if (std::find(seen_extent_.begin(), seen_extent_.end(), member) == seen_extent_.end()) {
            refuse(fmt::format("extent {} has no {}", number, member));
        }
    }
    if (extent_.blocks == 0 || extent_.blocks > most_blocks || extent_.first.value > most_blocks ||
        extent_.first.value < end_block_) {
        refuse(fmt::format("extent {} has blocks {} to {}, expected some at {} or later", number,
                           extent_.first.value, extent_.first.value + extent_.blocks, end_block_));
    }
    end_block_ = extent_.first.value + extent_.blocks;
    if (!has_hash_) {
        head_.complete = false;
        return;
    }
    has_hashes_ = true;
    take_extent_(extent_);
}

bool ManifestParser::parse_error(std::size_t position, const std::string&,
                                 const nlohmann::json::exception&) {
    refuse(fmt::format("is not JSON: unexpected text at byte {}", position),
           "insitu-pack --manifest writes a manifest");
}

void ManifestParser::finish_dump() {
    if (!head_.data_blocks || *head_.data_blocks > most_blocks) refuse("has no data_blocks");
    head_.logical_bytes = *head_.data_blocks * block_bytes;
    if (extent_count_ != 0 && !has_hashes_) {
        refuse("has no hashes", "insitu-dump-meta --hash --json writes them");
    }
    head_.device_bytes.reset();  // a dump says how large the file is
}

void ManifestParser::finish_manifest() {
    if (!head_.logical_bytes) refuse("does not say how many logical_bytes there are");
    if (*head_.logical_bytes == 0 || *head_.logical_bytes % block_bytes != 0 ||
        *head_.logical_bytes / block_bytes > most_blocks) {
        refuse(
            fmt::format("has {} logical_bytes, which are not whole blocks", *head_.logical_bytes));
    }
    if (!head_.complete) refuse("an extent has no xxh3_128");
    const bool old = head_.schema == "insitu-manifest/1";
    const bool whole =
        head_.raw_bytes && (old ? !head_.raw_sha256.empty() : !head_.tree_sha256.empty());
    if (!whole) {
        refuse(old ? "has no raw_bytes and raw_sha256" : "has no raw_bytes and tree_sha256",
               "it was not written to its end");
    }
    if (*head_.raw_bytes > *head_.logical_bytes) {
        refuse(fmt::format("has {} raw_bytes in {} logical_bytes", *head_.raw_bytes,
                           *head_.logical_bytes));
    }
    for (const std::string* sum : {&head_.raw_sha256, &head_.tree_sha256, &head_.map_sha256}) {
        if (sum->empty() || is_sha256(*sum)) continue;
        refuse(fmt::format("'{}' is not a SHA-256 of {} hex digits",
                           printable(sum->substr(0, sha256_digits)), sha256_digits));
    }
}

ManifestParser::Head ManifestParser::finish() {
    const bool is_dump = head_.schema == "insitu-dump-meta/1";
    if (!is_dump && head_.schema != "insitu-manifest/1" && head_.schema != "insitu-manifest/2") {
        refuse(fmt::format("schema is '{}', expected insitu-manifest/1 or /2, or "
                           "insitu-dump-meta/1",
                           printable(head_.schema.substr(0, sha256_digits))),
               "insitu-pack --manifest and insitu-dump-meta --hash --json write such files");
    }
    if (!has_extents_) refuse("has no extents");
    if (is_dump) {
        finish_dump();
    } else {
        finish_manifest();
    }
    if (end_block_ * block_bytes > *head_.logical_bytes) {
        refuse(fmt::format("extents reach block {}, the content has {} bytes", end_block_,
                           *head_.logical_bytes));
    }
    return std::move(head_);
}

}  // namespace insitu::apps
