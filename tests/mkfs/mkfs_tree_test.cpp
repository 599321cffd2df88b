// SPDX-License-Identifier: GPL-2.0-or-later
#include <sys/stat.h>

#include "insitu/error.hpp"
#include "mkfs/acl.hpp"
#include "mkfs/adapt.hpp"
#include "mkfs/compare.hpp"
#include "mkfs/ext_layout.hpp"
#include "mkfs/sparse_units.hpp"
#include "mkfs/tar_header.hpp"
#include "mkfs/tree_model.hpp"
#include "support/catch.hpp"

using namespace insitu;
using namespace insitu::apps;

namespace {

Entry file(const std::string& path, std::uint64_t size_bytes = 0) {
    Entry entry;
    entry.path = path;
    entry.mode = S_IFREG | 0644;
    entry.size_bytes = size_bytes;
    if (size_bytes != 0) entry.data = {{0, size_bytes}};
    return entry;
}

Tree tree_of(std::vector<Entry> entries) {
    Tree tree;
    Entry top;
    top.mode = S_IFDIR | 0755;
    tree.entries.push_back(top);
    for (Entry& entry : entries)
        tree.entries.push_back(std::move(entry));
    return tree;
}

}  // namespace

TEST_CASE("a directory comes before what it holds, and before names that go on after its own") {
    CHECK(path_before("", "a"));
    CHECK(path_before("a", "a/b"));
    CHECK(path_before("a/z", "a b"));
    CHECK(path_before("a/\x01", "a\x01"));
    CHECK_FALSE(path_before("a", "a"));
}

TEST_CASE("messages escape what is no text") {
    CHECK(printable("gr\xc3\xb6\xc3\x9f"
                    "e") ==
          "gr\xc3\xb6\xc3\x9f"
          "e");
    CHECK(printable("a\nb\xff\x1b[") == "a\\x0ab\\xff\\x1b[");
    CHECK(printable("\xc0\xaf") == "\\xc0\\xaf");
}

TEST_CASE("times of pax before 1970 keep their fraction and their sign") {
    CHECK(pax_time("12.5") == Timestamp{12, 500000000});
    CHECK(pax_time("-12") == Timestamp{-12, 0});
    CHECK(pax_time("-12.25") == Timestamp{-13, 750000000});
    CHECK(pax_time("-0.25") == Timestamp{-1, 750000000});
    CHECK(pax_time("1.1234567899") == Timestamp{1, 123456789});
    CHECK_THROWS_AS(pax_time("soon"), Error);
    CHECK_THROWS_AS(pax_time(""), Error);
}

TEST_CASE("numbers of a tar are octal or binary") {
    CHECK(tar_number(std::string("0000644\0", 8), 0, 8) == 0644);
    CHECK(tar_number("   17  ", 0, 7) == 017);
    CHECK(tar_number(std::string("\x80\0\0\0\x01\0\0\0", 8), 0, 8) == 1 << 24);
    CHECK(tar_number(std::string("\xff\xff\xff\xff\xff\xff\xff\xfe", 8), 0, 8) == -2);
    CHECK_THROWS_AS(tar_number("12x45678", 0, 8), Error);
}

TEST_CASE("ACLs of a tar are the kernel's") {
    const auto xattrs = pax_xattrs(
        {{"SCHILY.acl.access", "user::rw-,user:1234:rw-,group::r--,mask::rw-,other::---"}});
    REQUIRE(xattrs.contains("system.posix_acl_access"));
    const std::string expected = acl_xattr({{1, 6}, {2, 6, 1234}, {4, 4}, {16, 6}, {32, 0}});
    CHECK(xattrs.at("system.posix_acl_access") == expected);
    CHECK(pax_xattrs({{"SCHILY.acl.access", "user::rw-,group::r--,other::---"}}).empty());
    CHECK_THROWS_AS(pax_xattrs({{"SCHILY.acl.access", "user:no such user here:rw-"}}), Error);
}

TEST_CASE("attributes of a tar that libarchive wrote are decoded") {
    const auto xattrs = pax_xattrs({{"LIBARCHIVE.xattr.user.a%20b", "aGVsbG8"}});
    REQUIRE(xattrs.contains("user.a b"));
    CHECK(xattrs.at("user.a b") == "hello");
}

TEST_CASE("a directory block takes the names that fit beside its tail") {
    const std::vector<ExtName> names(1000, ExtName{"12345678", 1, 1});
    ExtShape shape;
    const auto with_tail = names_per_block(names, shape);
    shape.checksums = false;
    const auto without = names_per_block(names, shape);
    CHECK(with_tail.front() == (4096 - 12) / 16);
    CHECK(without.front() == 4096 / 16);
}

TEST_CASE("holes need no blocks, and ranges that share a block need it once") {
    Entry entry = file("a");
    entry.size_bytes = 100000;
    entry.data = {{10, 20}, {4000, 200}, {50000, 1}};
    const auto runs = block_runs(entry, 4096);
    REQUIRE(runs.size() == 2);
    CHECK(runs[0].first == 0);
    CHECK(runs[0].count == 2);
    CHECK(runs[1].first == 12);
    CHECK(runs[1].count == 1);
}

TEST_CASE("what a type does not keep is counted once for each entry") {
    Entry old = file("old");
    old.modified = {-5, 7};
    Entry late = file("late");
    late.modified = {std::int64_t{1} << 33, 0};
    Tree tree = tree_of({late, old});
    const auto losses = adapt_tree(tree, "squashfs", holds_of("squashfs", {}));
    REQUIRE(losses.size() == 1);
    CHECK(losses[0].paths == std::vector<std::string>{"late", "old"});
    CHECK(tree.entries[1].modified == Timestamp{4294967295, 0});
    CHECK(tree.entries[2].modified == Timestamp{0, 0});
    Tree kept = tree_of({late, old});
    CHECK(adapt_tree(kept, "ext4", holds_of("ext4", {})).empty());
    CHECK(adapt_tree(kept, "ext4", holds_of("ext4", {"-I", "128"})).size() == 2);
}

TEST_CASE("attributes that Linux does not know are refused, unless the type keeps none") {
    const auto adapt = [](const char* type, const std::string& name, std::size_t size) {
        Entry entry = file("a");
        entry.xattrs[name] = std::string(size, 'v');
        Tree tree = tree_of({entry});
        return adapt_tree(tree, type, holds_of(type, {})).size();
    };
    const std::string longest = "user." + std::string(250, 'n');
    for (const char* type : {"ext4", "xfs", "btrfs", "squashfs", "erofs"}) {
        CHECK(adapt(type, longest, 65536) == 0);
        CHECK_THROWS_AS(adapt(type, longest + "n", 1), Error);
        CHECK_THROWS_AS(adapt(type, longest, 65537), Error);
        CHECK_THROWS_AS(adapt(type, "trusted.", 1), Error);
        CHECK(adapt(type, "none", 1) == 1);
    }
    CHECK(adapt("ext4", "user.dot.", 1) == 0);
    CHECK_NOTHROW(adapt("vfat", longest + "n", 65537));
}

TEST_CASE("an ACL that XFS shows twice is one") {
    Entry entry = file("a");
    entry.xattrs["trusted.SGI_ACL_FILE"] = "x";
    Tree alone = tree_of({entry});
    CHECK(adapt_tree(alone, "ext4", holds_of("ext4", {})).empty());
    CHECK(alone.entries[1].xattrs.size() == 1);
    CHECK(adapt_tree(alone, "xfs", holds_of("xfs", {})).size() == 1);
    entry.xattrs["system.posix_acl_access"] =
        acl_xattr({{1, 6}, {2, 6, 1234}, {4, 4}, {16, 6}, {32, 0}});
    Tree both = tree_of({entry});
    CHECK(adapt_tree(both, "ext4", holds_of("ext4", {})).empty());
    CHECK(both.entries[1].xattrs.size() == 1);
}

TEST_CASE("an ACL comes back from the form of XFS as it was") {
    const std::string acl =
        acl_xattr({{1, 7}, {2, 6, 1234}, {4, 5}, {8, 4, 70000}, {16, 7}, {32, 1}});
    const std::string form = xfs_acl(acl);
    CHECK(form.size() == 4 + 6 * 12);
    CHECK(form.substr(0, 12) == std::string("\0\0\0\6\0\0\0\1\xff\xff\xff\xff", 12));
    CHECK(form.substr(16, 12) == std::string("\0\0\0\2\0\0\4\xd2\0\6\0\0", 12));
    CHECK(acl_of_xfs(form) == acl);
    CHECK_THROWS_AS(xfs_acl("abc"), Error);
    CHECK_THROWS_AS(acl_of_xfs(form.substr(0, 20)), Error);
}

TEST_CASE("a comparison sees what is missing, too much, or different") {
    const Holds holds = holds_of("ext4", {});
    const Tree wanted = tree_of({file("a", 5), file("b")});
    CHECK(compare_trees(wanted, wanted, holds).differences == 0);
    const auto first = [&](const std::vector<Entry>& entries) {
        return compare_trees(wanted, tree_of(entries), holds).lines;
    };
    CHECK(first({file("a", 5)}) == std::vector<std::string>{"b: is missing in the file system"});
    CHECK(first({file("a", 5), file("b"), file("c")}).size() == 1);
    CHECK(first({file("a", 4), file("b")}).at(0).starts_with("a: size: 5 in the tree, 4"));
    Entry capable = file("b");
    capable.xattrs["security.capability"] = "x";
    CHECK(first({file("a", 5), capable}).size() == 1);
    Entry link = file("b");
    link.link_to = 1;
    CHECK_FALSE(first({file("a", 5), link}).empty());
}

TEST_CASE("units that hold data are what remains of a sparse file") {
    using Units = std::vector<std::uint64_t>;
    constexpr std::uint64_t unit = sparse_unit_bytes;
    Entry sparse = file("s", 10 * unit + 5);
    sparse.data = {};
    CHECK(data_units(sparse) == Units{});
    CHECK(squeezed_bytes(sparse, {}) == 0);
    CHECK(has_empty_unit(sparse));
    sparse.data = {{0, 1}, {unit - 1, 2}, {2 * unit, 1}, {3 * unit, unit}};
    CHECK(data_units(sparse) == Units{0, 1, 2, 3});
    CHECK(squeezed_bytes(sparse, data_units(sparse)) == 4 * unit);
    sparse.data = {{unit, 1}, {10 * unit, 5}};
    CHECK(data_units(sparse) == Units{1, 10});
    CHECK(squeezed_bytes(sparse, data_units(sparse)) == unit + 5);
    // Alone, the end would be stored in the inode.
    sparse.data = {{10 * unit, 5}};
    CHECK(data_units(sparse) == Units{9, 10});
    CHECK_FALSE(has_empty_unit(file("full", 10 * unit + 5)));
    Entry small = file("small", unit);
    small.data = {};
    CHECK_FALSE(has_empty_unit(small));
}
