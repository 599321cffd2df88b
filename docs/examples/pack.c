// SPDX-License-Identifier: GPL-2.0-or-later
/* pack RAW IMAGE: packs a raw file or device into an image, in a file or on a device. */
#include <insitu.h>
#include <stdio.h>

/* Returning anything but 0 would stop the work. */
static int on_progress(void* user, uint64_t done_bytes, uint64_t total_bytes) {
    (void)user;
    if (total_bytes != 0)
        fprintf(stderr, "\r%3d %%", (int)(100.0 * (double)done_bytes / (double)total_bytes));
    return 0;
}

int main(int argc, char** argv) {
    insitu_error* error = NULL;
    insitu_control control = INSITU_CONTROL_INIT;
    insitu_pack_result result = INSITU_PACK_RESULT_INIT;
    if (argc != 3) return 2;
    control.progress = on_progress;
    if (insitu_pack(argv[1], argv[2], NULL, &control, &result, &error) != INSITU_OK) {
        fprintf(stderr, "\n%s\n", insitu_error_text(error));
        if (insitu_error_hint(error)[0] != '\0')
            fprintf(stderr, "hint: %s\n", insitu_error_hint(error));
        insitu_error_free(error);
        return 1;
    }
    fprintf(stderr, "\n");
    printf("%llu blocks\n", (unsigned long long)result.mapped_blocks);
    return 0;
}
