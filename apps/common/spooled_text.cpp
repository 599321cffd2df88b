// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/spooled_text.hpp"

#include <array>
#include <cerrno>

#include "insitu/error.hpp"

namespace insitu::apps {

void SpooledText::add(std::string_view text) {
    if (!file_) file_ = make_temporary_file();
    if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size()) {
        throw io_error({.file = "temporary file"}, "cannot write", errno);
    }
}

void SpooledText::print(const Tool& tool) {
    if (!file_) return;
    if (std::fseek(file_.get(), 0, SEEK_SET) != 0) {  // writes what is buffered
        throw io_error({.file = "temporary file"}, "cannot write", errno);
    }
    constexpr std::size_t piece_bytes = 65536;
    std::array<char, piece_bytes> piece{};
    while (const std::size_t got = std::fread(piece.data(), 1, piece.size(), file_.get()))
        tool.print({piece.data(), got});
    if (std::ferror(file_.get()) != 0) {
        throw io_error({.file = "temporary file"}, "cannot read", errno);
    }
}

}  // namespace insitu::apps
