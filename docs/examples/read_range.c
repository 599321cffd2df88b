// SPDX-License-Identifier: GPL-2.0-or-later
/* read_range IMAGE AT LENGTH: prints a part of the content of an image. */
#include <insitu.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
    insitu_error* error = NULL;
    insitu_image* image;
    char* buffer;
    size_t length;
    int code;
    if (argc != 4) return 2;
    length = strtoull(argv[3], NULL, 10);
    buffer = malloc(length + 1);
    if (buffer == NULL) return 1;
    image = insitu_open(argv[1], NULL, &error);
    code = insitu_error_code(error);
    if (code == INSITU_OK)
        code = insitu_read(image, strtoull(argv[2], NULL, 10), buffer, length, &error);
    if (code == INSITU_OK)
        fwrite(buffer, 1, length, stdout);
    else
        fprintf(stderr, "%s\n", insitu_error_text(error));
    insitu_error_free(error);
    insitu_close(image, NULL);
    free(buffer);
    return code != INSITU_OK;
}
