// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/sha256.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "insitu/error.hpp"
#include "insitu/internal/engine/stop_check.hpp"

namespace insitu::apps {

namespace {

void require(int success) {
    if (success != 1) throw std::runtime_error("libcrypto has no SHA-256");
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const noexcept {
    EVP_MD_CTX_free(context);
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
    if (!context_) throw std::bad_alloc();
    require(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr));
}

void Sha256::add(ByteView bytes) {
    require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
}

void Sha256::add_zeros(std::uint64_t count, const StopFlag* stop) {
    static const std::vector<std::byte> zeros(window_bytes);
    while (count > 0) {
        throw_if_stopped(stop);
        const std::uint64_t step = std::min<std::uint64_t>(count, zeros.size());
        add(ByteView(zeros).first(step));
        count -= step;
    }
}

Sha256::Digest Sha256::digest() {
    Digest digest{};
    unsigned length = 0;
    require(EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()),
                               &length));
    require(length == digest.size() ? 1 : 0);
    return digest;
}

std::string Sha256::hex_digits() {
    return to_hex(digest());
}

std::string to_hex(const Sha256::Digest& digest) {
    std::string text;
    for (const std::byte byte : digest)
        text += fmt::format("{:02x}", byte);
    return text;
}

}  // namespace insitu::apps
