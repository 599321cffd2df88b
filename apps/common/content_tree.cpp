// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/content_tree.hpp"

#include <bit>

namespace insitu::apps {

namespace {

constexpr std::byte leaf_mark{0};
constexpr std::byte node_mark{1};
constexpr std::byte root_mark{2};

Sha256::Digest leaf_of(ByteView content) {
    Sha256 hash;
    hash.add({&leaf_mark, 1});
    hash.add(content);
    hash.add_zeros(window_bytes - content.size(), nullptr);
    return hash.digest();
}

Sha256::Digest parent_of(const Sha256::Digest& left, const Sha256::Digest& right) {
    Sha256 hash;
    hash.add({&node_mark, 1});
    hash.add(left);
    hash.add(right);
    return hash.digest();
}

}  // namespace

const Sha256::Digest& ContentTree::zeros(unsigned height) {
    if (zeros_.empty()) zeros_.push_back(leaf_of({}));
    while (zeros_.size() <= height)
        zeros_.push_back(parent_of(zeros_.back(), zeros_.back()));
    return zeros_[height];
}

// Two trees of one height become one.
void ContentTree::push(Node node) {
    windows_ += std::uint64_t{1} << node.height;
    while (!nodes_.empty() && nodes_.back().height == node.height) {
        node = {node.height + 1, parent_of(nodes_.back().digest, node.digest)};
        nodes_.pop_back();
    }
    nodes_.push_back(node);
}

// Each step adds the largest tree of zeros that is aligned and fits.
void ContentTree::add_zeros(std::uint64_t windows) {
    while (windows != 0) {
        auto height = static_cast<unsigned>(std::bit_width(windows)) - 1;
        if (windows_ != 0) {
            height = std::min(height, static_cast<unsigned>(std::countr_zero(windows_)));
        }
        push({height, zeros(height)});
        windows -= std::uint64_t{1} << height;
    }
}

void ContentTree::add(WindowIndex window, ByteView content) {
    add_zeros(window.value - windows_);
    push({0, leaf_of(content)});
}

std::string ContentTree::hex_digits(std::uint64_t content_bytes) {
    const std::uint64_t windows = std::max<std::uint64_t>(ceil_div(content_bytes, window_bytes), 1);
    if (windows > windows_) add_zeros(windows - windows_);
    add_zeros(std::bit_ceil(windows_) - windows_);
    std::array<std::byte, sizeof content_bytes> length{};
    for (std::size_t i = 0; i < length.size(); ++i)
        length[i] = static_cast<std::byte>(content_bytes >> (8 * i));
    Sha256 root;
    root.add({&root_mark, 1});
    root.add(length);
    root.add(nodes_.back().digest);
    return to_hex(root.digest());
}

}  // namespace insitu::apps
