#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "common/manifest.hpp"

namespace insitu::apps {

// Takes the events of a JSON parser and keeps what a manifest says; extents go to `take_extent` one
// by one. Members that it does not know are ignored. Throws `refused` Errors that name the file.
class ManifestParser final : public nlohmann::json_sax<nlohmann::json> {
  public:
    struct Head {
        std::string schema;
        std::optional<std::uint64_t> logical_bytes;
        std::optional<std::uint64_t> data_blocks;
        std::optional<std::uint64_t> raw_bytes;
        std::string raw_sha256;
        bool complete = true;
    };
    using TakeExtent = std::function<void(const ManifestExtent&)>;

    ManifestParser(std::string path, TakeExtent take_extent)
        : path_(std::move(path)), take_extent_(std::move(take_extent)) {}

    // Checks that all of it makes sense together. To be called once, behind the last event.
    Head finish();

    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t) override { return true; }
    bool number_unsigned(number_unsigned_t value) override;
    bool number_float(number_float_t, const string_t&) override { return true; }
    bool string(string_t& value) override;
    bool binary(binary_t&) override { return true; }
    bool start_object(std::size_t) override;
    bool key(string_t& name) override;
    bool end_object() override;
    bool start_array(std::size_t) override;
    bool end_array() override;
    bool parse_error(std::size_t position, const std::string&,
                     const nlohmann::json::exception& error) override;

  private:
    [[noreturn]] void refuse(const std::string& text, std::string hint = {}) const;
    void end_extent();

    std::string path_;
    TakeExtent take_extent_;
    Head head_;
    unsigned depth_ = 0;
    bool in_extents_ = false;  // inside the top-level array "extents"
    std::string key_;
    ManifestExtent extent_;
    bool has_hash_ = false;
    std::uint64_t extent_count_ = 0;
    std::uint64_t end_block_ = 0;  // of the extent before
};

}  // namespace insitu::apps
