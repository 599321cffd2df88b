// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/xfs_attributes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "mkfs/acl.hpp"

namespace insitu::apps {

namespace {

constexpr std::uint64_t flag_local = 1;
constexpr std::uint64_t flag_root = 2;
constexpr std::uint64_t flag_secure = 4;
constexpr std::uint64_t magic_leaf = 0x3bee;
constexpr std::size_t leaf_entries_at = 80;
constexpr std::size_t leaf_count_at = 56;  // in nodes as well
constexpr std::size_t leaf_used_at = 58;
constexpr std::size_t leaf_holes_at = 62;
constexpr std::size_t node_entries_at = 64;
constexpr std::size_t pair_bytes = 8;
constexpr std::size_t local_head_bytes = 3;
constexpr std::size_t remote_head_bytes = 9;
constexpr std::size_t remote_header_bytes = 56;

// What has a checksum of its own: an inode or a block.
struct Block {
    std::uint64_t at_byte = 0;
    std::size_t length = 0;
    std::size_t checksum_at = 0;
};

// A part of a value.
struct Piece {
    Block block;
    std::size_t at = 0;  // in the block
    std::size_t length = 0;
};

struct Attribute {
    std::string value;  // in the form of XFS
    std::vector<Piece> pieces;
    std::size_t head_at = 0;  // in the inode or the leaf
    bool in_inode = false;
};

struct Namespace {
    const char* prefix;
    const char* option;  // of xfs_db
    std::uint64_t flag;
};

constexpr std::array namespaces{Namespace{"user.", "-u", 0}, Namespace{"trusted.", "-r", flag_root},
                                Namespace{"security.", "-s", flag_secure}};

struct AclName {
    const char* linux_name;
    const char* xfs_name;
};

constexpr std::array acl_names{AclName{"system.posix_acl_access", "trusted.SGI_ACL_FILE"},
                               AclName{"system.posix_acl_default", "trusted.SGI_ACL_DEFAULT"}};

bool is_acl(const std::string& name) {
    return name.starts_with("system.posix_acl_");
}

std::string xfs_value(const std::string& name, const std::string& value) {
    return is_acl(name) ? xfs_acl(value) : value;
}

// "trusted.SGI_ACL_FILE" for an ACL.
std::string xfs_name(const std::string& name) {
    for (const AclName& acl : acl_names) {
        if (name == acl.linux_name) return acl.xfs_name;
    }
    return name;
}

std::string linux_name(const std::string& short_name, std::uint64_t flags) {
    for (const Namespace& space : namespaces) {
        if ((flags & (flag_root | flag_secure)) != space.flag) continue;
        std::string name = space.prefix + short_name;
        for (const AclName& acl : acl_names) {
            if (name == acl.xfs_name) return acl.linux_name;
        }
        return name;
    }
    bad_image("an extended attribute has no namespace");
}

// Attributes are in the inode, or in leaves below nodes of an index, with long values in blocks of
// their own.
class Reader {
  public:
    Reader(const XfsImage& image, const XfsInode& inode) : image_(image), inode_(inode) {}

    std::map<std::string, Attribute> run() {
        const XfsForkPlace fork = xfs_fork_place(inode_, XfsFork::attributes);
        if (fork.length == 0) return {};
        if (fork.format == xfs_format_local) {
            read_inode(fork.at);
        } else {
            extents_ = image_.extents(inode_, XfsFork::attributes);
            constexpr int most_levels = 5;
            if (!extents_.empty()) read_block(0, most_levels);
        }
        return std::move(list_);
    }

  private:
    Block block_at(std::uint64_t file_block) const {
        for (const XfsExtent& extent : extents_) {
            if (file_block < extent.file_block) continue;
            const std::uint64_t offset = file_block - extent.file_block;
            if (offset >= extent.blocks) continue;
            return {image_.byte_of(extent.fs_block + offset), image_.block_bytes(),
                    xfs_index_checksum_at};
        }
        bad_image(fmt::format("block {} of an attribute is missing", file_block));
    }

    void add(const std::string& name, Attribute attribute) {
        for (const Piece& piece : attribute.pieces)
            attribute.value += image_.bytes().read(piece.block.at_byte + piece.at, piece.length);
        list_[name] = std::move(attribute);
    }

    void read_inode(std::size_t fork_at) {
        const std::string& bytes = inode_.bytes;
        const Block block{inode_.at_byte, bytes.size(), xfs_inode_checksum_at};
        std::size_t at = fork_at + 4;
        for (std::uint64_t i = big(bytes, fork_at + 2, 1); i > 0; --i) {
            const std::size_t name = big(bytes, at, 1);
            const std::size_t value = big(bytes, at + 1, 1);
            const std::size_t value_at = at + local_head_bytes + name;
            add(linux_name(part(bytes, at + local_head_bytes, name), big(bytes, at + 2, 1)),
                {{}, {{block, value_at, value}}, at, true});
            at = value_at + value;
        }
    }

    void read_block(std::uint64_t file_block, int levels) {
        const Block place = block_at(file_block);
        const std::string bytes = image_.bytes().read(place.at_byte, place.length);
        const std::uint64_t magic = big(bytes, 8, 2);
        const std::uint64_t count = big(bytes, leaf_count_at, 2);
        if (magic != magic_leaf && (magic != xfs_magic_node || levels == 0)) {
            bad_image("a block of attributes is none");
        }
        for (std::uint64_t i = 0; i < count; ++i) {
            if (magic == xfs_magic_node) {
                read_block(big(bytes, node_entries_at + i * pair_bytes + 4, 4), levels - 1);
            } else {
                read_entry(place, bytes, leaf_entries_at + i * pair_bytes);
            }
        }
    }

    void read_entry(const Block& place, const std::string& bytes, std::size_t at) {
        const std::size_t head_at = big(bytes, at + 4, 2);
        const std::uint64_t flags = big(bytes, at + 6, 1);
        if ((flags & flag_local) != 0) {
            const std::size_t value = big(bytes, head_at, 2);
            const std::size_t name = big(bytes, head_at + 2, 1);
            const std::size_t name_at = head_at + local_head_bytes;
            add(linux_name(part(bytes, name_at, name), flags),
                {{}, {{place, name_at + name, value}}, head_at, false});
            return;
        }
        const std::size_t name = big(bytes, head_at + 8, 1);
        Attribute attribute{{}, {}, head_at, false};
        std::uint64_t file_block = big(bytes, head_at, 4);
        const std::size_t room = image_.block_bytes() - remote_header_bytes;
        for (std::size_t left = big(bytes, head_at + 4, 4); left > 0;) {
            const std::size_t now = std::min(left, room);
            attribute.pieces.push_back({block_at(file_block++), remote_header_bytes, now});
            left -= now;
        }
        add(linux_name(part(bytes, head_at + remote_head_bytes, name), flags),
            std::move(attribute));
    }

    const XfsImage& image_;
    const XfsInode& inode_;
    std::vector<XfsExtent> extents_;
    std::map<std::string, Attribute> list_;
};

std::map<std::string, Attribute> attributes_of(const XfsImage& image, const XfsInode& inode) {
    return Reader(image, inode).run();
}

void write_block(const XfsImage& image, const Block& block, std::string& bytes) {
    xfs_set_checksum(bytes, block.checksum_at);
    image.bytes().write(block.at_byte, bytes);
}

void write_value(const XfsImage& image, const Attribute& attribute, const std::string& value) {
    std::size_t done = 0;
    for (const Piece& piece : attribute.pieces) {
        std::string bytes = image.bytes().read(piece.block.at_byte, piece.block.length);
        bytes.replace(piece.at, piece.length, value, done, piece.length);
        write_block(image, piece.block, bytes);
        done += piece.length;
    }
}

std::string command_for(const std::string& name, std::size_t length) {
    const std::string full = xfs_name(name);
    for (const Namespace& space : namespaces) {
        const std::string prefix = space.prefix;
        if (!full.starts_with(prefix)) continue;
        return fmt::format("attr_set {} -v {} -- {}\n", space.option, length,
                           full.substr(prefix.size()));
    }
    bad_image(fmt::format("there is no place for the extended attribute {}", name));
}

// xfs_db makes no attribute without a value, so this one has a letter, which goes.
void empty_value(const XfsImage& image, std::uint64_t inode, const Attribute& attribute) {
    const Piece& piece = attribute.pieces.front();
    std::string bytes = image.bytes().read(piece.block.at_byte, piece.block.length);
    if (attribute.in_inode) {
        const std::size_t fork = xfs_fork_place(image.inode(inode), XfsFork::attributes).at;
        const std::size_t used = big(bytes, fork, 2);
        put_big(bytes, fork, 2, used - 1);
        put_big(bytes, attribute.head_at + 1, 1, 0);
        bytes.insert(fork + used, 1, '\0').erase(piece.at, 1);
    } else {
        put_big(bytes, attribute.head_at, 2, 0);
        // An entry takes whole units; a leaf says whether some are in use by none.
        constexpr std::size_t unit = 4;
        if ((piece.at - attribute.head_at) % unit == 0) {
            put_big(bytes, leaf_used_at, 2, big(bytes, leaf_used_at, 2) - unit);
            put_big(bytes, leaf_holes_at, 1, 1);
        }
    }
    write_block(image, piece.block, bytes);
}

}  // namespace

bool is_xfs_attribute_word(const std::string& name) {
    return std::all_of(name.begin(), name.end(), [](char letter) {
        return letter > ' ' && letter <= '~' && letter != '"' && letter != '\'' && letter != '\\';
    });
}

// The first one is made small, and then again with its length: if the first attribute of an inode
// pushes names or the target of a link out of it, xfs_db 6.1 ends by SIGSEGV.
std::string xfs_attribute_commands(const std::map<std::string, std::string>& xattrs) {
    std::string commands;
    for (const auto& [name, value] : xattrs) {
        if (commands.empty()) commands = command_for(name, 1);
        commands += command_for(name, std::max<std::size_t>(1, xfs_value(name, value).size()));
    }
    return commands;
}

void fill_xfs_attributes(const XfsImage& image, std::uint64_t inode,
                         const std::map<std::string, std::string>& xattrs) {
    std::map<std::string, Attribute> made = attributes_of(image, image.inode(inode));
    const auto find = [&](const std::string& name, std::size_t length) -> const Attribute& {
        const auto found = made.find(name);
        if (found == made.end() || found->second.value.size() != length) {
            bad_image(fmt::format("inode {} has no attribute {} as xfs_db was asked for", inode,
                                  printable(name)));
        }
        return found->second;
    };
    for (const auto& [name, value] : xattrs) {
        const std::string wanted = xfs_value(name, value);
        if (!wanted.empty()) write_value(image, find(name, wanted.size()), wanted);
    }
    for (const auto& [name, value] : xattrs) {
        if (!value.empty()) continue;
        empty_value(image, inode, find(name, 1));
        // The others may have moved.
        made = attributes_of(image, image.inode(inode));
    }
}

std::map<std::string, std::string> read_xfs_attributes(const XfsImage& image,
                                                       const XfsInode& inode) {
    std::map<std::string, std::string> xattrs;
    for (auto& [name, attribute] : attributes_of(image, inode))
        xattrs[name] = is_acl(name) ? acl_of_xfs(attribute.value) : std::move(attribute.value);
    return xattrs;
}

}  // namespace insitu::apps
