// SPDX-License-Identifier: GPL-2.0-or-later
/* A part of insitu.h, which includes it: making, copying, changing, checking and repairing whole
 * images. The rules at the top of insitu.h hold here as well. */
#ifndef INSITU_IMAGES_H
#define INSITU_IMAGES_H

#include "insitu.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Whole images ---- */

/* Sources and targets are files, block devices and NBD URIs, as for insitu_open(). A target that is
 * a file appears under its name when it is complete; a device or export that holds something is
 * refused unless `force` is 1. Every `result` may be NULL.
 *
 * Names: `uuid` is 32 hex digits, with hyphens or without, or "random"; `label` at most 64 bytes of
 * UTF-8 without control characters. */
typedef struct insitu_pack_options {
    size_t size;
    uint32_t algorithm;
    uint32_t level;         /* 1 (fast) to 9 (small), 0: 3 */
    uint32_t extent_blocks; /* 1, 2, 4 … 32; 0: chosen by content */
    uint32_t force;
    uint32_t verify; /* 1: read everything back and compare */
    uint32_t update; /* 1: the target is an image of its own size that is brought to the source */
    uint64_t target_bytes; /* of a file; 0: as large as the source needs */
    const char* uuid;      /* NULL: by content; with `update`: the target's own */
    const char* label;     /* NULL: none; with `update`: the target's own */
} insitu_pack_options;
#define INSITU_PACK_OPTIONS_INIT \
    { .size = sizeof(insitu_pack_options) }

typedef struct insitu_pack_result {
    size_t size;
    uint64_t source_bytes;
    uint64_t target_bytes;
    uint64_t mapped_blocks;
    uint64_t payload_bytes;
    uint64_t written_bytes; /* all that was written; with `update`, 0: it was the same */
    uint64_t kept_bytes;    /* of an update: payloads whose content was the same */
} insitu_pack_result;
#define INSITU_PACK_RESULT_INIT \
    { .size = sizeof(insitu_pack_result) }
/* Packs a raw source. An update writes the sectors that differ, in place; if it is interrupted the
 * target is the old image, the new one, or one that is refused until the next update. */
INSITU_CHECKED int insitu_pack(const char* source, const char* target,
                               const insitu_pack_options* options, const insitu_control* control,
                               insitu_pack_result* result, insitu_error** error);

enum {
    INSITU_DAMAGE_FAIL = 0,    /* INSITU_DAMAGED */
    INSITU_DAMAGE_SALVAGE = 1, /* what decodes before the damage, zeros for the rest */
    INSITU_DAMAGE_ZEROS = 2    /* zeros for the whole extent */
};
typedef struct insitu_unpack_options {
    size_t size;
    uint64_t at_byte;
    uint64_t length; /* 0: up to the end */
    uint32_t damage;
    uint32_t force;
} insitu_unpack_options;
#define INSITU_UNPACK_OPTIONS_INIT \
    { .size = sizeof(insitu_unpack_options) }

typedef struct insitu_unpack_result {
    size_t size;
    uint64_t logical_bytes;
    uint64_t damaged_extents;
    uint64_t damaged_blocks;
} insitu_unpack_result;
#define INSITU_UNPACK_RESULT_INIT \
    { .size = sizeof(insitu_unpack_result) }
/* Unpacks an image that is open for reading. */
INSITU_CHECKED int insitu_unpack(insitu_image* image, const char* target,
                                 const insitu_unpack_options* options,
                                 const insitu_control* control, insitu_unpack_result* result,
                                 insitu_error** error);

typedef struct insitu_format_options {
    size_t size;
    uint64_t file_bytes; /* of a file; a device has its size */
    uint32_t algorithm;
    uint32_t force;
    const char* uuid;  /* NULL: random */
    const char* label; /* NULL: none */
} insitu_format_options;
#define INSITU_FORMAT_OPTIONS_INIT \
    { .size = sizeof(insitu_format_options) }
/* Makes an image in which nothing is mapped. */
INSITU_CHECKED int insitu_format(const char* target, const insitu_format_options* options,
                                 const insitu_control* control, insitu_error** error);

/* ---- Copies ---- */

enum {
    INSITU_RECODE_NO = 0,   /* payloads as they are */
    INSITU_RECODE_SAME = 1, /* compressed again, with the algorithm of the source */
    INSITU_RECODE_LZO = 2,
    INSITU_RECODE_DEFLATE = 3
};
typedef struct insitu_copy_options {
    size_t size;
    uint64_t logical_bytes; /* of a file; 0: as the source. A device is used as a whole */
    uint32_t force;
    uint32_t recode;
    uint32_t level;         /* if compressed again: as for insitu_pack() */
    uint32_t extent_blocks; /* the same */
    /* If compressed again with the algorithm of the source: windows in which that saves less than
     * so many percent are copied as they are; 0: all are compressed again. */
    uint32_t worth_percent;
    /* 1: a copy to this device was interrupted; what it holds is read, and only what differs is
     * written. Not for files, of which an interrupted copy leaves nothing. */
    uint32_t resume;
    const char* uuid;  /* NULL: the source's own */
    const char* label; /* NULL: the source's own */
} insitu_copy_options;
#define INSITU_COPY_OPTIONS_INIT \
    { .size = sizeof(insitu_copy_options) }

typedef struct insitu_copy_result {
    size_t size;
    uint64_t logical_bytes; /* of the copy */
    uint64_t written_bytes;
    uint64_t recoded_windows; /* that were compressed again */
} insitu_copy_result;
#define INSITU_COPY_RESULT_INIT \
    { .size = sizeof(insitu_copy_result) }
/* Copies an image that is open for reading to a target of any size that holds what is mapped. */
INSITU_CHECKED int insitu_copy(insitu_image* image, const char* target,
                               const insitu_copy_options* options, const insitu_control* control,
                               insitu_copy_result* result, insitu_error** error);

typedef struct insitu_update_options {
    size_t size;
    uint32_t trust_seals; /* 1: payloads with equal seals are equal, and not read */
    uint32_t reserved;
    const char* uuid;  /* NULL: the source's own */
    const char* label; /* NULL: the source's own */
} insitu_update_options;
#define INSITU_UPDATE_OPTIONS_INIT \
    { .size = sizeof(insitu_update_options) }

typedef struct insitu_update_result {
    size_t size;
    uint64_t written_bytes;  /* 0: it was the same */
    uint64_t compared_bytes; /* read from the target */
    uint64_t trusted_bytes;  /* payloads that were taken for equal by their seals */
    uint32_t resumed;        /* 1: an interrupted update was completed */
    uint32_t reserved;
} insitu_update_result;
#define INSITU_UPDATE_RESULT_INIT \
    { .size = sizeof(insitu_update_result) }
/* Brings the image in `target`, of the same algorithm, to what an image that is open for reading
 * holds, by writing the sectors that differ, in place. If it is interrupted the target is the old
 * image, the new one, or one that is refused until the next update. */
INSITU_CHECKED int insitu_update(insitu_image* image, const char* target,
                                 const insitu_update_options* options,
                                 const insitu_control* control, insitu_update_result* result,
                                 insitu_error** error);

/* ---- Changes in place ---- */

typedef struct insitu_resize_options {
    size_t size;
    /* 0: the whole of a device; of a file, the size that an interrupted resize was for. */
    uint64_t logical_bytes;
    uint32_t to_minimum; /* 1: as small as the last mapped block allows */
    uint32_t reserved;
} insitu_resize_options;
#define INSITU_RESIZE_OPTIONS_INIT \
    { .size = sizeof(insitu_resize_options) }

typedef struct insitu_resize_result {
    size_t size;
    uint64_t logical_bytes; /* that it has now */
    uint64_t device_bytes;
    uint64_t moved_blocks;
    uint32_t resumed; /* 1: an interrupted resize was completed */
    uint32_t reserved;
} insitu_resize_result;
#define INSITU_RESIZE_RESULT_INIT \
    { .size = sizeof(insitu_resize_result) }
/* Makes an image larger or smaller. What is mapped is never cut: INSITU_REFUSED names the block. If
 * it is interrupted the image is refused until the next resize completes it. */
INSITU_CHECKED int insitu_resize(const char* path, const insitu_resize_options* options,
                                 const insitu_control* control, insitu_resize_result* result,
                                 insitu_error** error);

/* Gives an image another UUID, another label, or both; NULL: as it is. One sector is written, and
 * synced. insitu_get_info() says what an image is called. */
INSITU_CHECKED int insitu_set_name(const char* path, const char* uuid, const char* label,
                                   insitu_error** error);

/* Gives the space that no payload uses back to the host, in whole blocks of 4096 bytes: of a file
 * and of devices that can discard. Nothing that reads is changed. Sets *punched_bytes if it is not
 * NULL. An image with a pending commit is INSITU_REFUSED. */
INSITU_CHECKED int insitu_punch_holes(const char* path, const insitu_control* control,
                                      uint64_t* punched_bytes, insitu_error** error);

/* ---- Check and repair ---- */

enum { INSITU_NOTE = 0, INSITU_WARNING = 1, INSITU_ERROR = 2 };

/* Texts are valid during the callback. */
typedef struct insitu_finding {
    size_t size;
    const char* id;     /* "M03": docs/fsck.md */
    const char* text;   /* what the id means */
    const char* detail; /* this case, or "" */
    const char* effect; /* what the driver does with it */
    uint64_t at_byte;   /* of the file or device */
    uint64_t block;     /* the first that is affected */
    uint64_t blocks;    /* 0: none */
    uint32_t severity;
    uint32_t reserved;
} insitu_finding;
typedef int (*insitu_finding_callback)(void* user, const insitu_finding* finding);

typedef struct insitu_check_options {
    size_t size;
    uint32_t sharing;
    uint32_t pending;   /* as in insitu_open_options */
    uint32_t meta_only; /* 1: no payload is decoded */
    uint32_t reserved;
} insitu_check_options;
#define INSITU_CHECK_OPTIONS_INIT \
    { .size = sizeof(insitu_check_options) }

typedef struct insitu_check_result {
    size_t size;
    uint64_t errors;
    uint64_t warnings;
    uint64_t notes;
    uint64_t error_blocks;
} insitu_check_result;
#define INSITU_CHECK_RESULT_INIT \
    { .size = sizeof(insitu_check_result) }
/* Reads the whole image and changes nothing. Damage is a finding and no error: INSITU_OK says that
 * the check came to its end, result->errors what it found. The callback (may be NULL) gets findings
 * in rising order; if it returns anything but 0 the check ends with INSITU_CANCELLED. */
INSITU_CHECKED int insitu_check(const char* path, const insitu_check_options* options,
                                const insitu_control* control, insitu_finding_callback callback,
                                void* user, insitu_check_result* result, insitu_error** error);

typedef struct insitu_repair_options {
    size_t size;
    uint32_t dry_run;   /* 1: plan, and change nothing */
    uint32_t safe_only; /* 1: only what changes no block that reads today */
    uint32_t salvage;   /* 1: keep the blocks that decode of a torn stream */
    uint32_t pending;   /* as in insitu_open_options */
    /* A new file for the undo log, which "insitu-fsck undo" takes; needed unless it is a dry run.
     */
    const char* undo_log;
} insitu_repair_options;
#define INSITU_REPAIR_OPTIONS_INIT \
    { .size = sizeof(insitu_repair_options) }

typedef struct insitu_repair_result {
    size_t size;
    uint64_t errors_before;
    uint64_t errors_after;
    uint64_t lost_blocks;
    uint64_t suspect_blocks;
    uint64_t undecided_blocks;
    uint32_t changed;     /* 1: the image was changed, and the undo log is there */
    uint32_t rolled_back; /* 1: the result was worse and was taken back */
} insitu_repair_result;
#define INSITU_REPAIR_RESULT_INIT \
    { .size = sizeof(insitu_repair_result) }
/* As insitu_check(); then repairs what there is evidence for. */
INSITU_CHECKED int insitu_repair(const char* path, const insitu_repair_options* options,
                                 const insitu_control* control, insitu_finding_callback callback,
                                 void* user, insitu_repair_result* result, insitu_error** error);

#ifdef __cplusplus
}
#endif

#endif
