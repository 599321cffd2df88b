// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>

#include "support/random_content.hpp"

namespace insitu::test {

// What encoders meet, and what is made to hurt them.
enum class EncoderContent {
    one_byte_in_zeros,
    runs,
    random,
    text,
    code,
    x86,
    base64,
    sparse,
    copies,
    periods,
    changing,
};

inline constexpr std::array encoder_contents{
    EncoderContent::one_byte_in_zeros,
    EncoderContent::runs,
    EncoderContent::random,
    EncoderContent::text,
    EncoderContent::code,
    EncoderContent::x86,
    EncoderContent::base64,
    EncoderContent::sparse,
    EncoderContent::copies,
    EncoderContent::periods,
    EncoderContent::changing,
};

// The same bytes on every machine for one state of `random`.
std::vector<std::byte> make_encoder_content(Random& random, EncoderContent kind,
                                            std::size_t length_bytes);

}  // namespace insitu::test
