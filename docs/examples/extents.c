// SPDX-License-Identifier: GPL-2.0-or-later
/* extents IMAGE: prints what is stored: position, length, bytes on the medium. */
#include <insitu.h>
#include <stdio.h>

static int on_extent(void* user, const insitu_extent* extent) {
    (void)user;
    printf("%llu %llu %llu\n", (unsigned long long)extent->at_byte,
           (unsigned long long)extent->length, (unsigned long long)extent->payload_bytes);
    return 0;
}

int main(int argc, char** argv) {
    insitu_error* error = NULL;
    insitu_image* image;
    int code;
    if (argc != 2) return 2;
    image = insitu_open(argv[1], NULL, &error);
    code =
        image == NULL ? insitu_error_code(error) : insitu_extents(image, on_extent, NULL, &error);
    if (code != INSITU_OK) fprintf(stderr, "%s\n", insitu_error_text(error));
    insitu_error_free(error);
    insitu_close(image, NULL);
    return code != INSITU_OK;
}
