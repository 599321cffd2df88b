#include "mkfs/tree.hpp"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "common/sha256.hpp"
#include "insitu/units.hpp"
#include "mkfs/directory.hpp"

namespace insitu::apps {

namespace fs = std::filesystem;

namespace {

void add_text(Sha256& sha256, const std::string& text) {
    sha256.add(std::as_bytes(std::span(text.c_str(), text.size() + 1)));
}

// Adds up what a walk meets.
class TreeSummarizer {
  public:
    explicit TreeSummarizer(fs::path root) : root_(std::move(root)) {}

    TreeSummary run() {
        walk_tree(root_, [this](const fs::path& path, const struct stat& status) {
            add_to_digest(path, status);
            count(status);
            const bool plain = S_ISREG(status.st_mode) || S_ISDIR(status.st_mode);
            if (!plain && summary_.special.empty())
                summary_.special = path.lexically_relative(root_);
        });
        summary_.digest = sha256_.hex_digits();
        return std::move(summary_);
    }

  private:
    void add_to_digest(const fs::path& path, const struct stat& status) {
        add_text(sha256_, path.lexically_relative(root_).string());
        add_text(sha256_, fmt::format("{:o} {}", status.st_mode,
                                      S_ISREG(status.st_mode) ? status.st_size : 0));
        if (S_ISLNK(status.st_mode)) add_text(sha256_, fs::read_symlink(path).string());
    }

    void count(const struct stat& status) {
        const bool is_directory = S_ISDIR(status.st_mode);
        const bool is_known = !is_directory && status.st_nlink > 1 &&
                              !links_.emplace(status.st_dev, status.st_ino).second;
        if (is_known) return;
        ++summary_.entries;
        if (is_directory) ++summary_.directories;
        if (!S_ISREG(status.st_mode)) return;
        const auto size = static_cast<std::uint64_t>(status.st_size);
        summary_.data_bytes += ceil_div(size, block_bytes) * block_bytes;
    }

    fs::path root_;
    Sha256 sha256_;
    TreeSummary summary_;
    std::set<std::pair<dev_t, ino_t>> links_;
};

}  // namespace

TreeSummary summarize_tree(const fs::path& root) {
    return TreeSummarizer(root).run();
}

std::string derive_uuid(const TreeSummary& tree, const std::string& type,
                        const std::string& epoch) {
    Sha256 sha256;
    for (const std::string& text : {tree.digest, type, epoch})
        add_text(sha256, text);
    std::string digits = sha256.hex_digits();
    constexpr std::size_t version_digit = 12;
    constexpr std::size_t variant_digit = 16;
    digits[version_digit] = '8';
    digits[variant_digit] = 'a';
    return fmt::format("{}-{}-{}-{}-{}", digits.substr(0, 8), digits.substr(8, 4),
                       digits.substr(12, 4), digits.substr(16, 4), digits.substr(20, 12));
}

}  // namespace insitu::apps
