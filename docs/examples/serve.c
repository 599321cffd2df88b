// SPDX-License-Identifier: GPL-2.0-or-later
/* serve IMAGE TEXT: writes a text to the start of an image as a live device does, and reads it
 * back. What insitu_flush() has returned for outlives a power cut. */
#include <insitu.h>
#include <stdio.h>
#include <string.h>

static int serve(insitu_image* image, const char* text, insitu_error** error) {
    char buffer[4096];
    const size_t length = strlen(text) < sizeof buffer ? strlen(text) : sizeof buffer;
    int code = insitu_start_commits(image, error); /* also without a flush, every five seconds */
    if (code == INSITU_OK) code = insitu_write(image, 0, text, length, 0, error);
    if (code == INSITU_OK) code = insitu_flush(image, error);
    if (code == INSITU_OK) code = insitu_read(image, 0, buffer, length, error);
    if (code == INSITU_OK) fwrite(buffer, 1, length, stdout);
    return code;
}

int main(int argc, char** argv) {
    insitu_error* error = NULL;
    insitu_open_options options = INSITU_OPEN_OPTIONS_INIT;
    insitu_image* image;
    int code;
    if (argc != 3) return 2;
    options.access = INSITU_READ_WRITE;
    image = insitu_open(argv[1], &options, &error);
    code = image == NULL ? insitu_error_code(error) : serve(image, argv[2], &error);
    if (code == INSITU_OK)
        code = insitu_close(image, &error);
    else
        insitu_close(image, NULL);
    if (code != INSITU_OK) fprintf(stderr, "%s\n", insitu_error_text(error));
    insitu_error_free(error);
    return code != INSITU_OK;
}
