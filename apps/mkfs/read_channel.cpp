// SPDX-License-Identifier: GPL-2.0-or-later
#include "mkfs/read_channel.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "insitu/error.hpp"

namespace insitu::apps {

namespace {

const ReadChannel* current = nullptr;

constexpr std::uint64_t super_at_byte = 1024;

errcode_t open_channel(const char* name, int flags, io_channel* result);

// libext2fs frees the channel with free(3).
errcode_t close_channel(io_channel channel) {
    if (--channel->refcount > 0) return 0;
    std::free(channel->name);
    std::free(channel);
    return 0;
}

errcode_t set_block_size(io_channel channel, int block_size) {
    channel->block_size = block_size;
    return 0;
}

// A negative count is one of bytes. The length is that of a buffer in memory: size_t holds it.
errcode_t read_blocks(io_channel channel, unsigned long long block, int count, void* data) {
    const auto size = static_cast<std::uint64_t>(channel->block_size);
    const std::uint64_t length = count < 0 ? static_cast<std::uint64_t>(-std::int64_t{count})
                                           : static_cast<std::uint64_t>(count) * size;
    if (block > UINT64_MAX / size) return EXT2_ET_SHORT_READ;
    return current->read(block * size,
                         {static_cast<std::byte*>(data), static_cast<std::size_t>(length)});
}

errcode_t read_blocks_32(io_channel channel, unsigned long block, int count, void* data) {
    return read_blocks(channel, block, count, data);
}

errcode_t refuse_write_32(io_channel, unsigned long, int, const void*) {
    return EROFS;
}

errcode_t refuse_write(io_channel, unsigned long long, int, const void*) {
    return EROFS;
}

errcode_t flush_channel(io_channel) {
    return 0;
}

struct_io_manager make_manager() {
    struct_io_manager manager{};
    manager.magic = EXT2_ET_MAGIC_IO_MANAGER;
    manager.name = "reader of insitu-tools";
    manager.open = open_channel;
    manager.close = close_channel;
    manager.set_blksize = set_block_size;
    manager.read_blk = read_blocks_32;
    manager.read_blk64 = read_blocks;
    manager.write_blk = refuse_write_32;
    manager.write_blk64 = refuse_write;
    manager.flush = flush_channel;
    return manager;
}

struct_io_manager channel_manager = make_manager();

errcode_t open_channel(const char* name, int, io_channel* result) {
    auto* const channel =
        static_cast<struct struct_io_channel*>(std::calloc(1, sizeof(struct struct_io_channel)));
    if (channel == nullptr) return EXT2_ET_NO_MEMORY;
    channel->magic = EXT2_ET_MAGIC_IO_CHANNEL;
    channel->manager = &channel_manager;
    channel->name = ::strdup(name);
    channel->block_size = super_at_byte;
    channel->refcount = 1;
    *result = channel;
    return 0;
}

}  // namespace

ReadChannel::ReadChannel(std::uint64_t size_bytes, Read read)
    : size_bytes_(size_bytes), read_(std::move(read)) {
    current = this;
}

ReadChannel::~ReadChannel() {
    current = nullptr;
}

io_manager ReadChannel::manager() noexcept {
    return &channel_manager;
}

errcode_t ReadChannel::read(std::uint64_t at_byte, std::span<std::byte> output) const {
    if (at_byte > size_bytes_ || output.size() > size_bytes_ - at_byte) return EXT2_ET_SHORT_READ;
    try {
        read_(at_byte, output);
    } catch (const Error& error) {
        // No exception may pass through code of C.
        return error.os_error() != 0 ? error.os_error() : EIO;
    }
    return 0;
}

bool ReadChannel::holds_ext() const {
    constexpr std::uint64_t magic_at_byte = super_at_byte + 56;
    constexpr std::array<std::byte, 2> magic{std::byte{0x53}, std::byte{0xef}};
    if (size_bytes_ < magic_at_byte + magic.size()) return false;
    std::array<std::byte, magic.size()> found{};
    read_(magic_at_byte, found);
    return found == magic;
}

}  // namespace insitu::apps
