// SPDX-License-Identifier: GPL-2.0-or-later
/* nbd URI RAW NOBODY: an image that a server has, by its URI; RAW is its content. Nobody listens at
 * the URI NOBODY.
 * nbd --silent URI: somebody listens there and says nothing.
 * Prints what does not hold, and ends with 1. */
#include <errno.h>

#include "expect.h"

static void test_image(const char* uri, const char* raw) {
    insitu_error* error = NULL;
    insitu_info info = INSITU_INFO_INIT;
    insitu_unpack_options options = INSITU_UNPACK_OPTIONS_INIT;
    insitu_open_options writing = INSITU_OPEN_OPTIONS_INIT;
    size_t length;
    size_t unpacked_length;
    char* content = load(raw, &length);
    char* unpacked;
    char* part = malloc(100001);
    insitu_image* image = insitu_open(uri, NULL, &error);
    if (image == NULL || part == NULL) {
        fprintf(stderr, "%s\n", insitu_error_text(error));
        exit(1);
    }
    OK(insitu_get_info(image, &info, &error));
    CHECK(info.logical_bytes >= length && info.logical_bytes < length + 4096);
    CHECK(strcmp(info.label, "served") == 0);
    /* No border of blocks or windows. */
    OK(insitu_read(image, 12345, part, 100001, &error));
    CHECK(memcmp(part, content + 12345, 100001) == 0);
    FAILS(INSITU_REFUSED, uri, insitu_read(image, info.logical_bytes, part, 1, &error));
    options.length = length;
    OK(insitu_unpack(image, "nbd.raw", &options, NULL, NULL, &error));
    unpacked = load("nbd.raw", &unpacked_length);
    CHECK(unpacked_length == length && memcmp(unpacked, content, length) == 0);
    OK(insitu_close(image, &error));
    /* The server has it for reading alone. */
    writing.access = INSITU_READ_WRITE;
    CHECK(insitu_open(uri, &writing, &error) == NULL);
    CHECK(strcmp(insitu_error_file(error), uri) == 0);
    FAILS(INSITU_REFUSED, "read-only", insitu_error_code(error));
    free(unpacked);
    free(part);
    free(content);
}

static void test_no_server(const char* uri, int os_error, const char* text) {
    insitu_error* error = NULL;
    CHECK(insitu_open(uri, NULL, &error) == NULL);
    CHECK(strcmp(insitu_error_file(error), uri) == 0);
    CHECK(insitu_error_os(error) == os_error);
    FAILS(INSITU_IO, text, insitu_error_code(error));
}

int main(int argc, char** argv) {
    if (argc == 3 && strcmp(argv[1], "--silent") == 0) {
        test_no_server(argv[2], ETIMEDOUT, "cannot connect: no answer");
        return failures != 0;
    }
    if (argc != 4) return 2;
    test_image(argv[1], argv[2]);
    test_no_server(argv[3], ENOENT, "cannot connect");
    return failures != 0;
}
