#include "fsck/manifest_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "insitu/error.hpp"

namespace insitu::apps {

namespace {

// Takes the extents as they are parsed: a manifest of a large image is never a document in memory.
class ManifestParser final : public nlohmann::json::json_sax_t {
  public:
    explicit ManifestParser(std::string path) : path_(std::move(path)) {}

    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t value) override {
        return value >= 0 && number_unsigned(static_cast<number_unsigned_t>(value));
    }
    bool number_unsigned(number_unsigned_t value) override {
        if (!inside()) return true;
        if (key_ == "first_block") extent_.first = {value};
        if (key_ == "blocks") extent_.blocks = value;
        return true;
    }
    bool number_float(number_float_t, const string_t&) override { return true; }
    bool string(string_t& value) override {
        if (depth_ == 1 && key_ == "schema") schema_ = value;
        if (inside() && key_ == "xxh3_128") extent_.hash = value;
        return true;
    }
    bool binary(binary_t&) override { return true; }
    bool key(string_t& value) override {
        if (depth_ == 1) section_ = value;
        key_ = value;
        return true;
    }
    bool start_object(std::size_t) override {
        if (++depth_ == extent_depth) extent_ = {};
        return true;
    }
    bool end_object() override {
        if (inside() && !extent_.hash.empty()) extents_.push_back(extent_);
        --depth_;
        return true;
    }
    bool start_array(std::size_t) override { return ++depth_ > 0; }
    bool end_array() override { return --depth_ >= 0; }
    bool parse_error(std::size_t position, const std::string&,
                     const nlohmann::json::exception&) override {
        throw Error(ErrorKind::refused, {.file = path_, .byte = position}, "is no JSON document");
    }

    Manifest finish() {
        if (schema_ != "insitu-manifest/1" && schema_ != "insitu-dump-meta/1") {
            throw Error(ErrorKind::refused, {.file = path_},
                        fmt::format("schema is '{}', expected insitu-manifest/1", schema_),
                        "insitu-dump-meta --hash --json IMAGE prints a manifest");
        }
        return Manifest(std::move(extents_), path_);
    }

  private:
    static constexpr int extent_depth = 3;
    bool inside() const { return depth_ == extent_depth && section_ == "extents"; }

    std::string path_;
    std::string schema_;
    std::string section_;
    std::string key_;
    int depth_ = 0;
    ManifestExtent extent_;
    std::vector<ManifestExtent> extents_;
};

}  // namespace

Manifest read_manifest(const std::string& path) {
    std::ifstream file(path);
    if (!file) throw io_error({.file = path}, "cannot open", errno);
    ManifestParser parser(path);
    if (!nlohmann::json::sax_parse(file, &parser)) {
        throw Error(ErrorKind::refused, {.file = path}, "is no manifest");
    }
    return parser.finish();
}

}  // namespace insitu::apps
