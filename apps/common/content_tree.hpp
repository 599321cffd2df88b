// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "common/sha256.hpp"

namespace insitu::apps {

// The hash of content as a binary tree over its windows (insitu-manifest(5)), so that windows of
// zeros cost nothing, however many: the hash of a tree of zeros is known for each height.
//
// leaf: SHA-256 of the byte 0 and the window's 128 KiB, with zeros behind the end of the content;
// node: SHA-256 of the byte 1 and the two hashes below. Windows behind the end count as zeros, up
// to the next power of two. root: SHA-256 of the byte 2, the length as a u64 (little-endian), and
// the top of the tree. Content must come in order, each window once. Not thread-safe.
class ContentTree {
  public:
    // A window of at most 128 KiB; those that were left out before it are zeros.
    void add(WindowIndex window, ByteView content);
    // 64 hex digits. Ends the computation.
    std::string hex_digits(std::uint64_t content_bytes);

  private:
    struct Node {
        unsigned height = 0;
        Sha256::Digest digest{};
    };
    void add_zeros(std::uint64_t windows);
    void push(Node node);
    const Sha256::Digest& zeros(unsigned height);

    std::vector<Node> nodes_;  // falling heights: the left parts of the tree that are complete
    std::vector<Sha256::Digest> zeros_;
    std::uint64_t windows_ = 0;
};

}  // namespace insitu::apps
