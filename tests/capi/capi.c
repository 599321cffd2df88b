// SPDX-License-Identifier: GPL-2.0-or-later
/* capi RAW IMAGE: what insitu.h promises, on an image that it packs over IMAGE (a file or device).
 * Prints what does not hold, and ends with 1. */
#include <errno.h>

#include "expect.h"

struct sums {
    uint64_t calls;
    uint64_t bytes;
    uint64_t mapped;
    uint64_t stop_after;
};

static int on_run(void* user, const insitu_run* run) {
    struct sums* sums = user;
    CHECK(run->size == sizeof *run && run->length != 0);
    CHECK(run->at_byte == sums->bytes || sums->calls == 0);
    ++sums->calls;
    sums->bytes = run->at_byte + run->length;
    if (run->mapped) sums->mapped += run->length;
    return sums->calls == sums->stop_after;
}

static int on_extent(void* user, const insitu_extent* extent) {
    struct sums* sums = user;
    CHECK(extent->payload_bytes != 0 && extent->payload_bytes <= extent->length);
    CHECK(extent->raw == (extent->payload_bytes == extent->length));
    ++sums->calls;
    sums->mapped += extent->length;
    return sums->calls == sums->stop_after;
}

static int on_progress(void* user, uint64_t done, uint64_t total) {
    struct sums* sums = user;
    CHECK(total == 0 || done <= total);
    ++sums->calls;
    return sums->calls == sums->stop_after;
}

static int on_finding(void* user, const insitu_finding* finding) {
    struct sums* sums = user;
    CHECK(finding->id[0] != '\0' && finding->text[0] != '\0');
    if (finding->severity == INSITU_ERROR) ++sums->calls;
    return 0;
}

static void test_errors(const char* raw, const char* image) {
    insitu_error* error = NULL;
    insitu_open_options options = INSITU_OPEN_OPTIONS_INIT;
    uint64_t byte;
    CHECK(insitu_open("/no/such/file", NULL, &error) == NULL);
    CHECK(insitu_error_code(error) == INSITU_IO && insitu_error_os(error) == ENOENT);
    CHECK(strcmp(insitu_error_file(error), "/no/such/file") == 0);
    CHECK(insitu_error_byte(error, &byte) == 0);
    insitu_error_free(error);
    CHECK(insitu_open("/no/such/file", NULL, NULL) == NULL);
    CHECK(insitu_open(raw, NULL, &error) == NULL);
    CHECK(insitu_error_code(error) == INSITU_DAMAGED);
    CHECK(insitu_error_hint(error)[0] != '\0');
    insitu_error_free(error);
    CHECK(insitu_open(NULL, NULL, &error) == NULL);
    FAILS(INSITU_REFUSED, "path is NULL", insitu_error_code(error));
    options.access = 7;
    CHECK(insitu_open(image, &options, &error) == NULL);
    FAILS(INSITU_REFUSED, "access is 7", insitu_error_code(error));
    options.access = 0;
    options.size = 0;
    CHECK(insitu_open(image, &options, &error) == NULL);
    FAILS(INSITU_REFUSED, "makes no sense", insitu_error_code(error));
    CHECK(insitu_error_code(NULL) == INSITU_OK && insitu_error_text(NULL)[0] == '\0');
    insitu_error_free(NULL);
    OK(insitu_close(NULL, &error));
}

/* Structs of an older and of a later version of the header. */
static void test_sizes(const char* image) {
    insitu_error* error = NULL;
    struct {
        insitu_open_options known;
        uint64_t later;
    } options = {INSITU_OPEN_OPTIONS_INIT, 0};
    insitu_info info = INSITU_INFO_INIT;
    insitu_image* opened;
    options.known.size = sizeof options;
    opened = insitu_open(image, &options.known, &error);
    OK(insitu_error_code(error));
    info.size = offsetof(insitu_info, meta_blocks);
    info.meta_blocks = 12345;
    OK(insitu_get_info(opened, &info, &error));
    CHECK(info.logical_bytes != 0 && info.meta_blocks == 12345);
    CHECK(info.size == offsetof(insitu_info, meta_blocks));
    info.size = 0;
    FAILS(INSITU_REFUSED, "no size", insitu_get_info(opened, &info, &error));
    OK(insitu_close(opened, &error));
    options.later = 1;
    CHECK(insitu_open(image, &options.known, &error) == NULL);
    FAILS(INSITU_REFUSED, "later version", insitu_error_code(error));
}

static void test_reading(const char* image, const char* bytes, size_t length) {
    insitu_error* error = NULL;
    insitu_image* opened = insitu_open(image, NULL, &error);
    insitu_info info = INSITU_INFO_INIT;
    insitu_totals totals = INSITU_TOTALS_INIT;
    struct sums runs = {0, 0, 0, 0};
    struct sums extents = {0, 0, 0, 0};
    struct sums first = {0, 0, 0, 1};
    char* buffer = malloc(length);
    OK(insitu_error_code(error));
    if (opened == NULL || buffer == NULL) exit(1);
    OK(insitu_get_info(opened, &info, &error));
    CHECK(info.logical_bytes >= length && info.device_bytes > info.logical_bytes);
    CHECK(info.algorithm == INSITU_DEFLATE);
    OK(insitu_read(opened, 0, buffer, length, &error));
    CHECK(memcmp(buffer, bytes, length) == 0);
    OK(insitu_read(opened, 4097, buffer, 9000, &error));
    CHECK(memcmp(buffer, bytes + 4097, 9000) == 0);
    OK(insitu_read(opened, info.logical_bytes, NULL, 0, &error));
    FAILS(INSITU_REFUSED, "reaches beyond the end",
          insitu_read(opened, info.logical_bytes - 1, buffer, 2, &error));
    FAILS(INSITU_REFUSED, "buffer is NULL", insitu_read(opened, 0, NULL, 1, &error));
    FAILS(INSITU_REFUSED, "reading", insitu_write(opened, 0, buffer, 1, 0, &error));
    OK(insitu_map(opened, 0, info.logical_bytes, on_run, &runs, &error));
    CHECK(runs.bytes == info.logical_bytes && runs.calls > 1);
    OK(insitu_map(opened, 0, info.logical_bytes, on_run, &first, &error));
    CHECK(first.calls == 1);
    OK(insitu_extents(opened, on_extent, &extents, &error));
    OK(insitu_stat(opened, NULL, &totals, &error));
    CHECK(extents.mapped == runs.mapped && totals.mapped_blocks * 4096 == runs.mapped);
    CHECK(totals.compressed_extents + totals.raw_extents == extents.calls);
    OK(insitu_close(opened, &error));
    free(buffer);
}

static void test_writing(const char* image) {
    insitu_error* error = NULL;
    insitu_open_options options = INSITU_OPEN_OPTIONS_INIT;
    insitu_totals totals = INSITU_TOTALS_INIT;
    insitu_image* opened;
    char got[5000];
    char wanted[5000];
    options.access = INSITU_READ_WRITE;
    opened = insitu_open(image, &options, &error);
    OK(insitu_error_code(error));
    if (opened == NULL) return;
    memset(wanted, 'x', sizeof wanted);
    OK(insitu_write(opened, 10001, wanted, sizeof wanted, INSITU_FUA, &error));
    OK(insitu_zero(opened, 10001, 100, 0, &error));
    OK(insitu_unmap(opened, 16384, 4096, 0, &error));
    OK(insitu_flush(opened, &error));
    OK(insitu_start_commits(opened, &error));
    FAILS(INSITU_REFUSED, "open for writing", insitu_stat(opened, NULL, &totals, &error));
    FAILS(INSITU_REFUSED, "flags is 2", insitu_write(opened, 0, wanted, 1, 2, &error));
    OK(insitu_close(opened, &error));
    memset(wanted, 0, 100);
    opened = insitu_open(image, NULL, &error);
    OK(insitu_error_code(error));
    if (opened == NULL) return;
    OK(insitu_read(opened, 10001, got, sizeof got, &error));
    CHECK(memcmp(got, wanted, sizeof got) == 0);
    OK(insitu_read(opened, 16384, got, 4096, &error));
    memset(wanted, 0, 4096);
    CHECK(memcmp(got, wanted, 4096) == 0);
    OK(insitu_close(opened, &error));
}

static void test_cancelling(const char* raw, const char* image) {
    insitu_error* error = NULL;
    insitu_control control = INSITU_CONTROL_INIT;
    struct sums sums = {0, 0, 0, 2};
    insitu_stop* stop = insitu_stop_new();
    CHECK(stop != NULL);
    insitu_stop_request(stop);
    control.stop = stop;
    FAILS(INSITU_CANCELLED, "stop", insitu_check(image, NULL, &control, NULL, NULL, NULL, &error));
    insitu_stop_free(stop);
    control.stop = NULL;
    control.progress = on_progress;
    control.user = &sums;
    control.threads = 1;
    FAILS(INSITU_CANCELLED, "stop",
          insitu_pack(raw, "cancelled.img", NULL, &control, NULL, &error));
    CHECK(sums.calls >= 2);
    CHECK(fopen("cancelled.img", "rb") == NULL);
}

static void test_check_and_repair(const char* image) {
    insitu_error* error = NULL;
    insitu_check_result checked = INSITU_CHECK_RESULT_INIT;
    insitu_repair_options options = INSITU_REPAIR_OPTIONS_INIT;
    insitu_repair_result repaired = INSITU_REPAIR_RESULT_INIT;
    struct sums sums = {0, 0, 0, 0};
    OK(insitu_check(image, NULL, NULL, on_finding, &sums, &checked, &error));
    CHECK(checked.errors == sums.calls && checked.errors != 0);
    FAILS(INSITU_REFUSED, "undo_log is NULL",
          insitu_repair(image, NULL, NULL, NULL, NULL, NULL, &error));
    options.dry_run = 1;
    OK(insitu_repair(image, &options, NULL, NULL, NULL, &repaired, &error));
    CHECK(repaired.errors_before == checked.errors && repaired.changed == 0);
    options.dry_run = 0;
    options.undo_log = "undo.log";
    OK(insitu_repair(image, &options, NULL, NULL, NULL, &repaired, &error));
    CHECK(repaired.changed == 1 && repaired.errors_after == 0);
    OK(insitu_check(image, NULL, NULL, NULL, NULL, &checked, &error));
    CHECK(checked.errors == 0);
}

int main(int argc, char** argv) {
    insitu_error* error = NULL;
    insitu_pack_options packing = INSITU_PACK_OPTIONS_INIT;
    insitu_pack_result packed = INSITU_PACK_RESULT_INIT;
    insitu_unpack_result unpacked = INSITU_UNPACK_RESULT_INIT;
    insitu_unpack_options part = INSITU_UNPACK_OPTIONS_INIT;
    insitu_image* image;
    size_t length;
    char* bytes;
    char* got;
    size_t got_length;
    if (argc == 3 && strcmp(argv[1], "--damaged") == 0) {
        test_check_and_repair(argv[2]);
        return failures != 0;
    }
    if (argc != 3) return 2;
    bytes = load(argv[1], &length);
    packing.algorithm = INSITU_DEFLATE;
    packing.verify = 1;
    packing.force = 1;
    packing.level = 1;
    OK(insitu_pack(argv[1], argv[2], &packing, NULL, &packed, &error));
    CHECK(packed.source_bytes == length && packed.payload_bytes < length);
    test_errors(argv[1], argv[2]);
    test_sizes(argv[2]);
    test_reading(argv[2], bytes, length);
    image = insitu_open(argv[2], NULL, &error);
    OK(insitu_error_code(error));
    part.at_byte = 5000;
    part.length = 100001;
    part.force = 1;
    OK(insitu_unpack(image, "part.raw", &part, NULL, &unpacked, &error));
    FAILS(INSITU_REFUSED, "same file", insitu_unpack(image, argv[2], NULL, NULL, NULL, &error));
    OK(insitu_close(image, &error));
    got = load("part.raw", &got_length);
    CHECK(got_length == 100001 && memcmp(got, bytes + 5000, got_length) == 0);
    test_writing(argv[2]);
    test_cancelling(argv[1], argv[2]);
    FAILS(INSITU_REFUSED, "same file", insitu_pack(argv[1], argv[1], &packing, NULL, NULL, &error));
    CHECK(insitu_version()[0] != '\0');
    free(got);
    free(bytes);
    return failures != 0;
}
