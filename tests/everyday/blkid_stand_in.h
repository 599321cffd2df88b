/* SPDX-License-Identifier: GPL-2.0-or-later
 * What docs/upstream/libblkid-insitu.patch needs of libblkid, over a file, and a main() that prints
 * what the probe finds. Included as "superblocks.h". */
#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLKID_PROBE_OK = 0, BLKID_PROBE_NONE = 1, BLKID_USAGE_OTHER = 8 };
#define le32_to_cpu(x) le32toh(x)
#define le64_to_cpu(x) le64toh(x)

typedef struct probe {
    FILE* file;
    uint64_t size;
} * blkid_probe;
struct blkid_idmag {
    const char* magic;
    unsigned len;
};
struct blkid_idinfo {
    const char* name;
    int usage;
    int (*probefunc)(blkid_probe, const struct blkid_idmag*);
    struct blkid_idmag magics[2];
};

/* A buffer of just that size each time: what goes beyond it is found by the address sanitizer. */
static const void* blkid_probe_get_buffer(blkid_probe pr, uint64_t at, uint64_t length) {
    void* buffer = malloc(length);
    errno = 0;
    if (at + length > pr->size || fseek(pr->file, (long)at, SEEK_SET) != 0 ||
        fread(buffer, 1, length, pr->file) != length) {
        free(buffer);
        return NULL;
    }
    return buffer;
}
#define blkid_probe_get_sb(pr, mag, type) ((const type*)blkid_probe_get_buffer(pr, 0, sizeof(type)))
static uint64_t blkid_probe_get_size(blkid_probe pr) {
    return pr->size;
}
static void blkid_probe_sprintf_version(blkid_probe pr, const char* format, unsigned version) {
    (void)pr;
    printf("VERSION=");
    printf(format, version);
}
static void blkid_probe_set_block_size(blkid_probe pr, unsigned size) {
    (void)pr;
    printf(" BLOCK_SIZE=%u", size);
}
static void blkid_probe_set_uuid(blkid_probe pr, unsigned char* uuid) {
    (void)pr;
    printf(" UUID=");
    for (int i = 0; i < 16; i++)
        printf("%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
}
static void blkid_probe_set_label(blkid_probe pr, unsigned char* label, size_t length) {
    (void)pr;
    printf(" LABEL=%.*s", (int)length, label);
}

extern const struct blkid_idinfo insitu_idinfo;
int main(int count, char** names) {
    for (int i = 1; i < count; i++) {
        struct probe pr = {fopen(names[i], "rb"), 0};
        fseek(pr.file, 0, SEEK_END);
        pr.size = (uint64_t)ftell(pr.file);
        const char* magic = blkid_probe_get_buffer(&pr, 0, 8);
        int found = magic == NULL || memcmp(magic, insitu_idinfo.magics[0].magic, 8) != 0;
        printf("%s: ", names[i]);
        if (!found) found = insitu_idinfo.probefunc(&pr, insitu_idinfo.magics);
        printf(" = %d\n", found);
        fclose(pr.file);
    }
    return 0;
}
