// SPDX-License-Identifier: GPL-2.0-or-later
/* images RAW: what insitu.h promises of hashes, copies and changes in place, on images of RAW in
 * the current directory. Prints what does not hold, and ends with 1. */
#include "expect.h"

struct seen {
    insitu_hash hashes[4096];
    size_t count;
    insitu_range ranges[16];
    size_t range_count;
    size_t stop_after; /* 0: never */
};

static int on_hash(void* user, const insitu_hash* hash) {
    struct seen* seen = user;
    CHECK(hash->length != 0 && hash->at_byte % 4096 == 0 && hash->length % 4096 == 0);
    CHECK(seen->count < sizeof seen->hashes / sizeof *seen->hashes);
    seen->hashes[seen->count++] = *hash;
    return seen->stop_after != 0 && seen->count == seen->stop_after;
}

static int on_range(void* user, const insitu_range* range) {
    struct seen* seen = user;
    CHECK(seen->range_count < sizeof seen->ranges / sizeof *seen->ranges);
    seen->ranges[seen->range_count++] = *range;
    return seen->stop_after != 0 && seen->range_count == seen->stop_after;
}

static struct seen* new_seen(void) {
    struct seen* seen = calloc(1, sizeof *seen);
    if (seen == NULL) exit(2);
    return seen;
}

static int stop_at_once(void* user, uint64_t done, uint64_t total) {
    (void)user;
    CHECK(total == 0 || done <= total);
    return 1;
}

static insitu_image* opened(int line, const char* path, uint32_t access) {
    insitu_error* error = NULL;
    insitu_open_options options = INSITU_OPEN_OPTIONS_INIT;
    insitu_image* image;
    options.access = access;
    options.unprotected = INSITU_UNPROTECTED_REFUSE;
    image = insitu_open(path, &options, &error);
    expect_ok(line, insitu_error_code(error), error);
    if (image == NULL) exit(1);
    return image;
}
#define OPEN(path, access) opened(__LINE__, (path), (access))

static uint64_t logical_bytes(const char* path) {
    insitu_error* error = NULL;
    insitu_info info = INSITU_INFO_INIT;
    insitu_image* image = OPEN(path, INSITU_READ);
    OK(insitu_get_info(image, &info, &error));
    OK(insitu_close(image, &error));
    return info.logical_bytes;
}

static int same_files(const char* one, const char* other) {
    size_t one_length;
    size_t other_length;
    char* a = load(one, &one_length);
    char* b = load(other, &other_length);
    const int same = one_length == other_length && memcmp(a, b, one_length) == 0;
    free(a);
    free(b);
    return same;
}

static void unpack_to(const char* image_path, const char* raw) {
    insitu_error* error = NULL;
    insitu_unpack_options options = INSITU_UNPACK_OPTIONS_INIT;
    insitu_image* image = OPEN(image_path, INSITU_READ);
    options.force = 1;
    OK(insitu_unpack(image, raw, &options, NULL, NULL, &error));
    OK(insitu_close(image, &error));
}

/* Rows that are wrong one way or another are refused before anything is read. */
static void test_wrong_hashes(insitu_image* image, const struct seen* made) {
    insitu_error* error = NULL;
    insitu_verify_options options = INSITU_VERIFY_OPTIONS_INIT;
    insitu_hash rows[2];
    memcpy(rows, made->hashes, sizeof rows);
    rows[0].at_byte += 1;
    FAILS(INSITU_REFUSED, "whole blocks",
          insitu_verify_contents(image, rows, 2, NULL, NULL, NULL, NULL, NULL, &error));
    rows[0] = made->hashes[1];
    rows[1] = made->hashes[0];
    FAILS(INSITU_REFUSED, "overlaps",
          insitu_verify_contents(image, rows, 2, NULL, NULL, NULL, NULL, NULL, &error));
    rows[0] = made->hashes[0];
    rows[0].length = 0;
    FAILS(INSITU_REFUSED, "0 blocks",
          insitu_verify_contents(image, rows, 1, NULL, NULL, NULL, NULL, NULL, &error));
    rows[0] = made->hashes[0];
    rows[0].at_byte = (uint64_t)1 << 50;
    FAILS(INSITU_REFUSED, "after the end",
          insitu_verify_contents(image, rows, 1, NULL, NULL, NULL, NULL, NULL, &error));
    FAILS(INSITU_REFUSED, "hashes is NULL",
          insitu_verify_contents(image, NULL, 1, NULL, NULL, NULL, NULL, NULL, &error));
    options.logical_bytes = 4096;
    FAILS(INSITU_REFUSED, "are expected",
          insitu_verify_contents(image, rows, 0, &options, NULL, NULL, NULL, NULL, &error));
}

static void test_hashes(const char* path) {
    insitu_error* error = NULL;
    insitu_control control = INSITU_CONTROL_INIT;
    insitu_verify_options others = INSITU_VERIFY_OPTIONS_INIT;
    insitu_verify_result result = INSITU_VERIFY_RESULT_INIT;
    struct seen* seen = new_seen();
    struct seen* one = new_seen();
    insitu_image* image = OPEN(path, INSITU_READ);
    OK(insitu_hash_contents(image, NULL, on_hash, seen, &error));
    CHECK(seen->count > 3);
    one->stop_after = 1;
    FAILS(INSITU_CANCELLED, "stop", insitu_hash_contents(image, NULL, on_hash, one, &error));
    CHECK(one->count == 1);
    control.progress = stop_at_once;
    FAILS(INSITU_CANCELLED, "stop", insitu_hash_contents(image, &control, on_hash, seen, &error));
    seen->count = 0;
    OK(insitu_hash_contents(image, NULL, on_hash, seen, &error));
    FAILS(INSITU_REFUSED, "callback is NULL",
          insitu_hash_contents(image, NULL, NULL, NULL, &error));
    OK(insitu_verify_contents(image, seen->hashes, seen->count, NULL, NULL, on_range, seen, &result,
                              &error));
    CHECK(result.differences == 0 && seen->range_count == 0);
    test_wrong_hashes(image, seen);
    /* A hash that is another one, and blocks that are no zeros. */
    seen->hashes[1].xxh3_128[15] ^= 1;
    OK(insitu_verify_contents(image, seen->hashes, seen->count, NULL, NULL, on_range, seen, &result,
                              &error));
    CHECK(result.differences == 1 && seen->range_count == 1);
    CHECK(seen->ranges[0].at_byte == seen->hashes[1].at_byte);
    CHECK(seen->ranges[0].length == seen->hashes[1].length);
    OK(insitu_verify_contents(image, NULL, 0, NULL, NULL, NULL, NULL, &result, &error));
    CHECK(result.differences != 0);
    others.others_unknown = 1;
    OK(insitu_verify_contents(image, NULL, 0, &others, NULL, NULL, NULL, &result, &error));
    CHECK(result.differences == 0);
    one->stop_after = 1;
    FAILS(INSITU_CANCELLED, "stop",
          insitu_verify_contents(image, NULL, 0, NULL, NULL, on_range, one, NULL, &error));
    CHECK(one->range_count == 1);
    OK(insitu_close(image, &error));
    image = OPEN(path, INSITU_READ_WRITE);
    FAILS(INSITU_REFUSED, "open for writing",
          insitu_hash_contents(image, NULL, on_hash, seen, &error));
    OK(insitu_close(image, &error));
    free(one);
    free(seen);
}

static void test_copies(const char* path, const char* raw) {
    insitu_error* error = NULL;
    insitu_copy_options options = INSITU_COPY_OPTIONS_INIT;
    insitu_copy_result result = INSITU_COPY_RESULT_INIT;
    insitu_info info = INSITU_INFO_INIT;
    insitu_control control = INSITU_CONTROL_INIT;
    insitu_image* image = OPEN(path, INSITU_READ);
    insitu_image* copy;
    OK(insitu_copy(image, "copy.img", NULL, NULL, &result, &error));
    CHECK(same_files(path, "copy.img") && result.recoded_windows == 0);
    options.recode = INSITU_RECODE_DEFLATE;
    options.level = 9;
    options.label = "another";
    options.logical_bytes = 2 * result.logical_bytes;
    OK(insitu_copy(image, "recoded.img", &options, NULL, &result, &error));
    CHECK(result.recoded_windows != 0 && result.logical_bytes >= options.logical_bytes);
    copy = OPEN("recoded.img", INSITU_READ);
    OK(insitu_get_info(copy, &info, &error));
    CHECK(info.algorithm == INSITU_DEFLATE && strcmp(info.label, "another") == 0);
    OK(insitu_close(copy, &error));
    unpack_to("recoded.img", "recoded.raw");
    CHECK(!same_files(raw, "recoded.raw")); /* it is longer */
    options.logical_bytes = 4096;
    FAILS(INSITU_REFUSED, "small.img",
          insitu_copy(image, "small.img", &options, NULL, NULL, &error));
    options.logical_bytes = 0;
    options.worth_percent = 10;
    FAILS(INSITU_REFUSED, "", insitu_copy(image, "small.img", &options, NULL, NULL, &error));
    options.recode = INSITU_RECODE_NO;
    FAILS(INSITU_REFUSED, "compressed again",
          insitu_copy(image, "small.img", &options, NULL, NULL, &error));
    options.recode = 4;
    FAILS(INSITU_REFUSED, "recode is 4",
          insitu_copy(image, "small.img", &options, NULL, NULL, &error));
    control.progress = stop_at_once;
    FAILS(INSITU_CANCELLED, "stop", insitu_copy(image, "small.img", NULL, &control, NULL, &error));
    CHECK(fopen("small.img", "rb") == NULL);
    FAILS(INSITU_REFUSED, "same file", insitu_copy(image, path, NULL, NULL, NULL, &error));
    OK(insitu_close(image, &error));
}

static void test_updates(const char* path, const char* raw) {
    insitu_error* error = NULL;
    insitu_update_result result = INSITU_UPDATE_RESULT_INIT;
    insitu_pack_options packing = INSITU_PACK_OPTIONS_INIT;
    insitu_pack_result packed = INSITU_PACK_RESULT_INIT;
    insitu_image* image = OPEN("copy.img", INSITU_READ_WRITE);
    OK(insitu_write(image, 5000, "changed", 7, INSITU_FUA, &error));
    OK(insitu_close(image, &error));
    image = OPEN(path, INSITU_READ);
    OK(insitu_update(image, "copy.img", NULL, NULL, &result, &error));
    CHECK(result.written_bytes != 0 && result.resumed == 0);
    OK(insitu_update(image, "copy.img", NULL, NULL, &result, &error));
    CHECK(result.written_bytes == 0 && result.compared_bytes != 0);
    FAILS(INSITU_REFUSED, "", insitu_update(image, "recoded.img", NULL, NULL, NULL, &error));
    FAILS(INSITU_REFUSED, "same file", insitu_update(image, path, NULL, NULL, NULL, &error));
    FAILS(INSITU_DAMAGED, "raw", insitu_update(image, raw, NULL, NULL, NULL, &error));
    OK(insitu_close(image, &error));
    /* The same with a raw source. */
    image = OPEN("copy.img", INSITU_READ_WRITE);
    OK(insitu_write(image, 5000, "changed", 7, INSITU_FUA, &error));
    OK(insitu_close(image, &error));
    packing.update = 1;
    packing.label = "packed again";
    OK(insitu_pack(raw, "copy.img", &packing, NULL, &packed, &error));
    CHECK(packed.written_bytes != 0 && packed.kept_bytes != 0);
    OK(insitu_pack(raw, "copy.img", &packing, NULL, &packed, &error));
    CHECK(packed.written_bytes == 0);
    packing.force = 1;
    FAILS(INSITU_REFUSED, "no force", insitu_pack(raw, "copy.img", &packing, NULL, NULL, &error));
    packing.force = 0;
    FAILS(INSITU_IO, "nothing.img", insitu_pack(raw, "nothing.img", &packing, NULL, NULL, &error));
}

static void test_names(const char* path) {
    static const char uuid[] = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
    insitu_error* error = NULL;
    insitu_info info = INSITU_INFO_INIT;
    insitu_info again = INSITU_INFO_INIT;
    insitu_image* image;
    OK(insitu_set_name(path, uuid, "label", &error));
    OK(insitu_set_name(path, NULL, NULL, &error));
    image = OPEN(path, INSITU_READ);
    OK(insitu_get_info(image, &info, &error));
    CHECK(strcmp(info.uuid, uuid) == 0 && strcmp(info.label, "label") == 0);
    OK(insitu_close(image, &error));
    OK(insitu_set_name(path, "random", NULL, &error));
    OK(insitu_set_name(path, NULL, "", &error));
    image = OPEN(path, INSITU_READ);
    OK(insitu_get_info(image, &again, &error));
    CHECK(strcmp(again.uuid, uuid) != 0 && strlen(again.uuid) == 36 && again.label[0] == '\0');
    OK(insitu_close(image, &error));
    FAILS(INSITU_REFUSED, "uuid", insitu_set_name(path, "f81d4fae", NULL, &error));
    FAILS(INSITU_REFUSED, "label", insitu_set_name(path, NULL, "two\nlines", &error));
    FAILS(INSITU_IO, "missing.img", insitu_set_name("missing.img", NULL, "x", &error));
}

static void test_trim(const char* path) {
    insitu_error* error = NULL;
    insitu_trim_options options = INSITU_TRIM_OPTIONS_INIT;
    insitu_trim_result result = INSITU_TRIM_RESULT_INIT;
    insitu_range ranges[2] = {{8193, 3 * 4096}, {20480, 40960}};
    insitu_range far = {(uint64_t)1 << 40, 4096};
    insitu_image* image = OPEN(path, INSITU_READ);
    uint64_t punched = 1;
    char bytes[4096];
    options.dry_run = 1;
    OK(insitu_trim(image, ranges, 2, &options, NULL, &result, &error));
    CHECK(result.unused_bytes == 2 * 4096 + 40960 && result.freed_bytes == result.unused_bytes);
    FAILS(INSITU_REFUSED, "reading", insitu_trim(image, ranges, 2, NULL, NULL, NULL, &error));
    OK(insitu_close(image, &error));
    image = OPEN(path, INSITU_READ_WRITE);
    FAILS(INSITU_REFUSED, "beyond the end", insitu_trim(image, &far, 1, NULL, NULL, NULL, &error));
    FAILS(INSITU_REFUSED, "ranges is NULL", insitu_trim(image, NULL, 1, NULL, NULL, NULL, &error));
    OK(insitu_trim(image, ranges, 2, NULL, NULL, &result, &error));
    CHECK(result.freed_bytes == 2 * 4096 + 40960 && result.kept_bytes == 0);
    OK(insitu_trim(image, ranges, 2, NULL, NULL, &result, &error));
    CHECK(result.freed_bytes == 0);
    OK(insitu_read(image, 12288, bytes, sizeof bytes, &error));
    CHECK(bytes[0] == 0 && memcmp(bytes, bytes + 1, sizeof bytes - 1) == 0);
    OK(insitu_read(image, 8192, bytes, sizeof bytes, &error));
    CHECK(bytes[0] != 0); /* not as a whole in a range */
    OK(insitu_close(image, &error));
    OK(insitu_punch_holes(path, NULL, &punched, &error));
    CHECK(punched % 4096 == 0);
    OK(insitu_punch_holes(path, NULL, NULL, &error));
    FAILS(INSITU_IO, "missing.img", insitu_punch_holes("missing.img", NULL, NULL, &error));
}

static void test_resize(const char* path) {
    insitu_error* error = NULL;
    insitu_resize_options options = INSITU_RESIZE_OPTIONS_INIT;
    insitu_resize_result result = INSITU_RESIZE_RESULT_INIT;
    const uint64_t before = logical_bytes(path);
    options.logical_bytes = before + (64 << 20);
    OK(insitu_resize(path, &options, NULL, &result, &error));
    CHECK(result.logical_bytes >= before + (64 << 20) && result.resumed == 0);
    CHECK(logical_bytes(path) == result.logical_bytes);
    options.logical_bytes = 4096;
    FAILS(INSITU_REFUSED, "block", insitu_resize(path, &options, NULL, NULL, &error));
    options.to_minimum = 1;
    FAILS(INSITU_REFUSED, "both", insitu_resize(path, &options, NULL, NULL, &error));
    options.logical_bytes = 0;
    OK(insitu_resize(path, &options, NULL, &result, &error));
    CHECK(result.logical_bytes <= before && logical_bytes(path) == result.logical_bytes);
    options.to_minimum = 0;
    FAILS(INSITU_REFUSED, "logical_bytes is 0", insitu_resize(path, &options, NULL, NULL, &error));
}

int main(int argc, char** argv) {
    insitu_error* error = NULL;
    insitu_pack_options packing = INSITU_PACK_OPTIONS_INIT;
    if (argc != 2) return 2;
    packing.label = "original";
    packing.uuid = "11111111-2222-8333-8444-555555555555";
    OK(insitu_pack(argv[1], "image.img", &packing, NULL, NULL, &error));
    test_hashes("image.img");
    test_copies("image.img", argv[1]);
    test_updates("image.img", argv[1]);
    test_names("copy.img");
    test_trim("copy.img");
    test_resize("copy.img");
    return failures != 0;
}
