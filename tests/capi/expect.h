// SPDX-License-Identifier: GPL-2.0-or-later
/* What the C programs of this folder share: claims that are counted if they do not hold. */
#ifndef INSITU_TESTS_EXPECT_H
#define INSITU_TESTS_EXPECT_H

#include <insitu.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures = 0;

#define CHECK(condition)                                                      \
    do {                                                                      \
        if (!(condition)) {                                                   \
            fprintf(stderr, "line %d: not true: %s\n", __LINE__, #condition); \
            ++failures;                                                       \
        }                                                                     \
    } while (0)

static void expect_ok(int line, int code, insitu_error* error) {
    if (code == INSITU_OK && error == NULL) return;
    fprintf(stderr, "line %d: code %d: %s\n", line, code, insitu_error_text(error));
    insitu_error_free(error);
    ++failures;
}
/* The call comes first, and sets `error`. */
#define OK(call)                          \
    do {                                  \
        const int code = (call);          \
        expect_ok(__LINE__, code, error); \
    } while (0)

static void expect_code(int line, int wanted, const char* text, int code, insitu_error* error) {
    if (code != wanted || insitu_error_code(error) != wanted ||
        strstr(insitu_error_text(error), text) == NULL) {
        fprintf(stderr, "line %d: code %d, \"%s\"; expected %d, \"%s\"\n", line, code,
                insitu_error_text(error), wanted, text);
        ++failures;
    }
    insitu_error_free(error);
}
#define FAILS(wanted, text, call)                             \
    do {                                                      \
        const int code = (call);                              \
        expect_code(__LINE__, (wanted), (text), code, error); \
    } while (0)

static char* load(const char* path, size_t* length) {
    FILE* file = fopen(path, "rb");
    char* bytes;
    long size;
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) exit(2);
    size = ftell(file);
    rewind(file);
    bytes = malloc((size_t)size);
    if (bytes == NULL || fread(bytes, 1, (size_t)size, file) != (size_t)size) exit(2);
    fclose(file);
    *length = (size_t)size;
    return bytes;
}

#endif
