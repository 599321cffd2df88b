// SPDX-License-Identifier: GPL-2.0-or-later
/* insitu.h: the C interface of libinsitu, for images of the device-mapper target insitu_comp.
 *
 *     insitu_error *error = NULL;
 *     insitu_image *image = insitu_open("rootfs.img", NULL, &error);
 *     char buffer[100];
 *     if (image == NULL || insitu_read(image, 12345, buffer, sizeof buffer, &error) != INSITU_OK)
 *         fprintf(stderr, "%s\n", insitu_error_text(error));
 *     insitu_error_free(error);
 *     insitu_close(image, NULL);
 *
 * Functions return INSITU_OK (0) or the code of what went wrong. `error`, if it is not NULL, is set
 * to NULL or to a description that the caller frees. Positions and lengths are in bytes, of the
 * logical device unless it is said otherwise. Structs begin with their size, which the caller sets
 * (the …_INIT macros do), so that they can grow; a NULL options argument and a field of 0 mean the
 * default. Nothing is printed, and no C++ exception leaves a function.
 *
 * Threads: an open image may be read, written, mapped and flushed by several threads at once;
 * insitu_close() comes last, when no other call is running. An error belongs to one thread. All
 * other functions share nothing.
 */
#ifndef INSITU_H
#define INSITU_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define INSITU_EXPORT __attribute__((visibility("default")))
#define INSITU_CHECKED INSITU_EXPORT __attribute__((warn_unused_result))

/* The version of the library that is running, "0.1.0". */
INSITU_EXPORT const char* insitu_version(void);

/* ---- Errors ---- */

enum {
    INSITU_OK = 0,
    INSITU_IO = 1,        /* the system refused a read, a write, an open: insitu_error_os() */
    INSITU_REFUSED = 2,   /* the request makes no sense, or would lose something */
    INSITU_DAMAGED = 3,   /* the image contradicts its own format */
    INSITU_CANCELLED = 4, /* a stop was asked for */
    INSITU_INTERNAL = 5   /* out of memory, or a fault of the library */
};

typedef struct insitu_error insitu_error;

/* All of these take NULL, for which the code is INSITU_OK and the texts are empty. Texts are valid
 * until insitu_error_free(). */
INSITU_EXPORT int insitu_error_code(const insitu_error* error);
/* One line, with the place: "rootfs.img: window 12, block 389 (byte 1613824): …". */
INSITU_EXPORT const char* insitu_error_text(const insitu_error* error);
/* A cure, or "". */
INSITU_EXPORT const char* insitu_error_hint(const insitu_error* error);
/* The errno of INSITU_IO, otherwise 0. */
INSITU_EXPORT int insitu_error_os(const insitu_error* error);
/* The place. Numbers: 1 and *value if it is known, otherwise 0. The byte is of the file or device.
 */
INSITU_EXPORT const char* insitu_error_file(const insitu_error* error);
INSITU_EXPORT int insitu_error_window(const insitu_error* error, uint64_t* value);
INSITU_EXPORT int insitu_error_block(const insitu_error* error, uint64_t* value);
INSITU_EXPORT int insitu_error_byte(const insitu_error* error, uint64_t* value);
INSITU_EXPORT void insitu_error_free(insitu_error* error);

/* ---- How long work is run ---- */

/* Asks running work to stop, from any thread or a signal handler. */
typedef struct insitu_stop insitu_stop;
INSITU_EXPORT insitu_stop* insitu_stop_new(void); /* NULL: no memory */
INSITU_EXPORT void insitu_stop_request(insitu_stop* stop);
/* When no work uses it any more. */
INSITU_EXPORT void insitu_stop_free(insitu_stop* stop);

typedef struct insitu_control {
    size_t size;
    insitu_stop* stop; /* may be NULL */
    /* May be NULL. Called from any thread, by one at a time; returns 0 to go on, anything else to
     * stop. total_bytes is 0 as long as it is not known. */
    int (*progress)(void* user, uint64_t done_bytes, uint64_t total_bytes);
    void* user;
    uint32_t threads; /* 0: one a processor */
    uint32_t reserved;
} insitu_control;
#define INSITU_CONTROL_INIT \
    { .size = sizeof(insitu_control) }

/* ---- An open image ---- */

enum { INSITU_READ = 0, INSITU_READ_WRITE = 1 };
enum {
    INSITU_LOCK = 0,       /* readers may meet readers, a writer meets nobody */
    INSITU_FORCE_SHARE = 1 /* take no lock */
};
enum {
    INSITU_SIZE_STRICT = 0, /* the image has the size that its super block was made for */
    INSITU_SIZE_TRUST_SUPER = 1
};
/* A commit that an interrupted live device left (docs/crash-safety.md). */
enum {
    INSITU_PENDING_IN_MEMORY = 0, /* apply it in memory; opened for writing: in place */
    INSITU_PENDING_APPLY = 1,     /* apply it in place */
    INSITU_PENDING_REFUSE = 2,    /* INSITU_REFUSED */
    INSITU_PENDING_IGNORE = 3     /* read what is in place; opened for writing: forget it */
};
enum { INSITU_LZO = 0, INSITU_DEFLATE = 1 };
/* A write to a full image, which has no room for the journal that protects the blocks beside it. */
enum {
    INSITU_UNPROTECTED_ALLOW =
        0, /* a power cut during such a write can lose blocks of its window */
    INSITU_UNPROTECTED_REFUSE = 1 /* it fails with ENOSPC */
};

typedef struct insitu_open_options {
    size_t size;
    uint32_t access;
    uint32_t sharing;
    uint32_t size_check;
    uint32_t pending;
    uint32_t level;              /* of what is written: 1 (fast) to 9 (small), 0: 3 */
    uint32_t writethrough;       /* 1: a write is durable when it returns */
    uint64_t cache_bytes;        /* of what waits for a commit; default 64 MiB */
    uint64_t decode_cache_bytes; /* of decoded content; default 16 MiB */
    uint32_t unprotected;
    uint32_t reserved;
} insitu_open_options;
#define INSITU_OPEN_OPTIONS_INIT \
    { .size = sizeof(insitu_open_options) }

typedef struct insitu_image insitu_image;

/* NULL if it fails. `path`: a file, a block device, or an NBD URI (nbd://host/export,
 * nbd+unix:///export?socket=path) if the library was built with libnbd. */
INSITU_CHECKED insitu_image* insitu_open(const char* path, const insitu_open_options* options,
                                         insitu_error** error);
/* Commits what was written and frees the image, also if it fails. NULL is fine. */
INSITU_EXPORT int insitu_close(insitu_image* image, insitu_error** error);

typedef struct insitu_info {
    size_t size;
    uint64_t logical_bytes; /* of the logical device */
    uint64_t device_bytes;  /* of the file or device that holds it */
    uint64_t meta_blocks;   /* of 4096 bytes */
    uint64_t data_blocks;
    uint64_t recovered_windows; /* of a pending commit, applied when it was opened */
    uint32_t algorithm;         /* INSITU_LZO, INSITU_DEFLATE */
    uint32_t reserved;
    char uuid[40];  /* "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", or "" */
    char label[72]; /* UTF-8, or "" */
} insitu_info;
#define INSITU_INFO_INIT \
    { .size = sizeof(insitu_info) }
INSITU_CHECKED int insitu_get_info(const insitu_image* image, insitu_info* info,
                                   insitu_error** error);

INSITU_CHECKED int insitu_read(insitu_image* image, uint64_t at_byte, void* buffer, size_t length,
                               insitu_error** error);

enum { INSITU_FUA = 1 }; /* durable when it returns */
INSITU_CHECKED int insitu_write(insitu_image* image, uint64_t at_byte, const void* buffer,
                                size_t length, uint32_t flags, insitu_error** error);
/* The range reads as zeros; whole blocks of it take no space. */
INSITU_CHECKED int insitu_zero(insitu_image* image, uint64_t at_byte, uint64_t length,
                               uint32_t flags, insitu_error** error);
/* Blocks that are whole within the range read as zeros and take no space; others stay. */
INSITU_CHECKED int insitu_unmap(insitu_image* image, uint64_t at_byte, uint64_t length,
                                uint32_t flags, insitu_error** error);
/* Returns when every write that had returned before is durable. */
INSITU_CHECKED int insitu_flush(insitu_image* image, insitu_error** error);
/* Starts a thread that commits every five seconds, and makes an idle image clean. */
INSITU_CHECKED int insitu_start_commits(insitu_image* image, insitu_error** error);

/* Callbacks return 0 to go on, anything else to end the walk, which is no error. */
typedef struct insitu_run {
    size_t size;
    uint64_t at_byte;
    uint64_t length;
    uint32_t mapped; /* 0: reads as zeros */
    uint32_t reserved;
} insitu_run;
typedef int (*insitu_run_callback)(void* user, const insitu_run* run);
/* The runs of whole blocks that cover the range, in order; neighbours may be alike. */
INSITU_CHECKED int insitu_map(insitu_image* image, uint64_t at_byte, uint64_t length,
                              insitu_run_callback callback, void* user, insitu_error** error);

typedef struct insitu_extent {
    size_t size;
    uint64_t at_byte;
    uint64_t length;
    uint64_t payload_bytes; /* that it takes; 0 if its meta makes no sense */
    uint32_t raw;           /* 1: stored as it is */
    uint32_t faulty;        /* 1: its meta makes no sense */
} insitu_extent;
typedef int (*insitu_extent_callback)(void* user, const insitu_extent* extent);
/* What is stored, in order. Only of an image that is open for reading. */
INSITU_CHECKED int insitu_extents(insitu_image* image, insitu_extent_callback callback, void* user,
                                  insitu_error** error);

typedef struct insitu_totals {
    size_t size;
    uint64_t mapped_blocks;
    uint64_t payload_bytes;
    uint64_t compressed_extents;
    uint64_t raw_extents;
    uint64_t faulty_extents;
    uint64_t faulty_blocks;
} insitu_totals;
#define INSITU_TOTALS_INIT \
    { .size = sizeof(insitu_totals) }
/* Sums over the meta, which is read whole. Only of an image that is open for reading. */
INSITU_CHECKED int insitu_stat(insitu_image* image, const insitu_control* control,
                               insitu_totals* totals, insitu_error** error);

/* ---- What an image holds, by hashes: insitu-manifest(5) ---- */

/* Bytes of the logical device. */
typedef struct insitu_range {
    uint64_t at_byte;
    uint64_t length;
} insitu_range;
typedef int (*insitu_range_callback)(void* user, const insitu_range* range);

/* A row of a manifest: whole blocks of 4096 bytes, and the XXH3-128 of what they hold, in the order
 * of its hex digits. JSON is the caller's: "first_block" is at_byte / 4096, "blocks" length / 4096.
 */
typedef struct insitu_hash {
    uint64_t at_byte;
    uint64_t length; /* at most 4 MiB */
    uint8_t xxh3_128[16];
} insitu_hash;
typedef int (*insitu_hash_callback)(void* user, const insitu_hash* hash);
/* Hashes what the image holds, extent by extent in rising order; blocks that no row names are
 * zeros. These are the rows that insitu-pack --manifest writes for such an image. A callback that
 * returns anything but 0 ends it with INSITU_CANCELLED. Only of an image that is open for reading.
 */
INSITU_CHECKED int insitu_hash_contents(insitu_image* image, const insitu_control* control,
                                        insitu_hash_callback callback, void* user,
                                        insitu_error** error);

typedef struct insitu_verify_options {
    size_t size;
    uint64_t logical_bytes;  /* that the image must have; 0: any */
    uint32_t others_unknown; /* 1: blocks that no row names may hold anything; 0: zeros */
    uint32_t reserved;
} insitu_verify_options;
#define INSITU_VERIFY_OPTIONS_INIT \
    { .size = sizeof(insitu_verify_options) }

typedef struct insitu_verify_result {
    size_t size;
    uint64_t differences; /* rows, and blocks that should be zeros */
} insitu_verify_result;
#define INSITU_VERIFY_RESULT_INIT \
    { .size = sizeof(insitu_verify_result) }
/* Compares what the image holds with `count` rows, rising and without overlaps, however the image
 * is cut into extents. A difference is no error: INSITU_OK says that all was read,
 * result->differences what it came to. The callback (may be NULL) gets each in rising order; if it
 * returns anything but 0 the work ends with INSITU_CANCELLED. What cannot be decoded is
 * INSITU_DAMAGED. Only of an image that is open for reading. */
INSITU_CHECKED int insitu_verify_contents(insitu_image* image, const insitu_hash* hashes,
                                          size_t count, const insitu_verify_options* options,
                                          const insitu_control* control,
                                          insitu_range_callback callback, void* user,
                                          insitu_verify_result* result, insitu_error** error);

/* ---- Giving space back ---- */

typedef struct insitu_trim_options {
    size_t size;
    uint32_t dry_run; /* 1: change nothing; freed_bytes is what would be freed */
    uint32_t reserved;
} insitu_trim_options;
#define INSITU_TRIM_OPTIONS_INIT \
    { .size = sizeof(insitu_trim_options) }

/* Whole blocks, in bytes. */
typedef struct insitu_trim_result {
    size_t size;
    uint64_t unused_bytes; /* that the ranges cover */
    uint64_t freed_bytes;  /* of them, that were mapped and are not any more */
    uint64_t kept_bytes;   /* of them, that stay mapped: the image is full */
} insitu_trim_result;
#define INSITU_TRIM_RESULT_INIT \
    { .size = sizeof(insitu_trim_result) }
/* Unmaps the blocks that lie as a whole in ranges whose content nobody needs, which may touch and
 * overlap; they read as zeros afterwards, durably. The image is open for writing (for a dry run:
 * in any way), with `unprotected` = INSITU_UNPROTECTED_REFUSE: a full one could lose blocks beside
 * them otherwise. A range beyond the end is INSITU_REFUSED, before anything is changed.
 * insitu_punch_holes() gives the space back to the host, after insitu_close(). */
INSITU_CHECKED int insitu_trim(insitu_image* image, const insitu_range* ranges, size_t count,
                               const insitu_trim_options* options, const insitu_control* control,
                               insitu_trim_result* result, insitu_error** error);

#ifdef __cplusplus
}
#endif

/* Making, copying, changing, checking and repairing whole images. */
#include "insitu/images.h" /* IWYU pragma: export */

#endif
