// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/manifest.hpp"
#include "insitu/internal/format/identity.hpp"

namespace insitu::apps {

// Takes the events of a JSON parser and keeps what a manifest says; extents go to `take_extent` one
// by one. A manifest is evidence from outside: what is missing, twice, out of order or of another
// type is refused. Members that it does not know are ignored. Throws `refused` Errors that name the
// file.
class ManifestParser final : public nlohmann::json_sax<nlohmann::json> {
  public:
    struct Head {
        std::string schema;
        std::optional<std::uint64_t> logical_bytes;
        std::optional<std::uint64_t> data_blocks;
        std::optional<std::uint64_t> raw_bytes;
        std::optional<std::uint64_t> device_bytes;
        std::string raw_sha256;    // 64 hex digits; empty: none
        std::string tree_sha256;   // the same; only insitu-manifest/2 has one
        std::string map_sha256;    // the same, of the image's map
        std::optional<Uuid> uuid;  // of the image
        bool complete = true;
    };
    using TakeExtent = std::function<void(const ManifestExtent&)>;

    ManifestParser(std::string path, TakeExtent take_extent)
        : path_(std::move(path)), take_extent_(std::move(take_extent)) {}

    // Checks that all of it makes sense together. To be called once, behind the last event.
    Head finish();

    bool null() override { return other("null"); }
    bool boolean(bool) override { return other("a boolean"); }
    bool number_integer(number_integer_t) override { return other("a negative number"); }
    bool number_unsigned(number_unsigned_t value) override;
    bool number_float(number_float_t, const string_t&) override { return other("no whole number"); }
    bool string(string_t& value) override;
    bool binary(binary_t&) override { return other("binary"); }
    bool start_object(std::size_t) override;
    bool key(string_t& name) override;
    bool end_object() override;
    bool start_array(std::size_t) override;
    bool end_array() override;
    bool parse_error(std::size_t position, const std::string&,
                     const nlohmann::json::exception& error) override;

  private:
    [[noreturn]] void refuse(const std::string& text, std::string hint = {}) const;
    bool other(const char* what);
    enum class Type { any, number, string, array };
    Type wanted_type() const;
    void expect(Type found, const char* what);
    void enter();
    void take_uuid(const std::string& text);
    void end_extent();
    void finish_dump();
    void finish_manifest();

    std::string path_;
    TakeExtent take_extent_;
    Head head_;
    unsigned depth_ = 0;
    bool in_extents_ = false;  // inside the top-level array "extents"
    std::string key_;
    ManifestExtent extent_;
    bool has_hash_ = false;
    bool has_hashes_ = false;  // of any extent
    bool has_extents_ = false;
    std::vector<std::string> seen_;         // known members of the document
    std::vector<std::string> seen_extent_;  // and of the extent
    std::uint64_t extent_count_ = 0;
    std::uint64_t end_block_ = 0;  // of the extent before
};

}  // namespace insitu::apps
