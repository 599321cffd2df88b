// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mkfs/tar_stream.hpp"
#include "mkfs/tree_model.hpp"

namespace insitu::apps {

// A member of a tar, as all its headers together state it.
struct TarMember {
    std::string name;  // as it is there
    Entry entry;       // without a path; of a hard link nothing
    bool is_hard_link = false;
    std::string link_name;           // of a hard link
    std::uint64_t stored_bytes = 0;  // how many bytes of content follow
    bool is_sparse = false;
    std::vector<DataRange> ranges;  // which parts of the file these are, if sparse
};

// Reads the headers of ustar, of GNU tar (long names, large numbers, sparse files) and of pax
// (also with extended attributes and ACLs, as GNU tar, star and libarchive write them), up to the
// content of a member.
class TarHeaders {
  public:
    explicit TarHeaders(TarStream& stream) : stream_(stream) {}

    // The next member; none at the end of the tar. Throws `refused` Errors that name what is wrong.
    std::optional<TarMember> next();

  private:
    using Records = std::map<std::string, std::string>;
    struct Extensions {
        Records records;
        std::vector<std::uint64_t> sparse_numbers;  // of pax 0.0, where keys come again
        std::optional<std::string> long_name;
        std::optional<std::string> long_link;
    };

    bool take_extension(const std::string& block, char kind, Extensions& extensions);
    void parse_records(const std::string& text, Records& records,
                       std::vector<std::uint64_t>& sparse_numbers) const;
    TarMember make_member(const std::string& block, char kind, Extensions& extensions);
    void set_kind(TarMember& member, const std::string& block, char kind,
                  const Extensions& extensions);
    void set_sparse(TarMember& member, const std::string& block, char kind, Extensions& extensions);
    void read_old_sparse(TarMember& member, std::string block);
    void read_sparse_map(TarMember& member);
    void read_sparse_numbers(TarMember& member, const std::vector<std::uint64_t>& numbers);

    TarStream& stream_;
    Records global_;
};

// The value of a number field: octal, or GNU's binary form. Throws a `refused` Error.
std::int64_t tar_number(const std::string& block, std::size_t at, std::size_t length);

// A time as pax writes it: "-12.5". Throws a `refused` Error.
Timestamp pax_time(const std::string& text);

// The extended attributes that records of pax hold.
std::map<std::string, std::string> pax_xattrs(const std::map<std::string, std::string>& records);

}  // namespace insitu::apps
