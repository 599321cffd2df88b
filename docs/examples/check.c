// SPDX-License-Identifier: GPL-2.0-or-later
/* check IMAGE: prints what is wrong with an image; ends with 4 if there is damage. */
#include <insitu.h>
#include <stdio.h>

static int on_finding(void* user, const insitu_finding* finding) {
    (void)user;
    printf("%s block %llu: %s\n", finding->id, (unsigned long long)finding->block, finding->detail);
    return 0;
}

int main(int argc, char** argv) {
    insitu_error* error = NULL;
    insitu_check_result result = INSITU_CHECK_RESULT_INIT;
    if (argc != 2) return 2;
    /* A commit that an interrupted live device left is applied in memory. */
    if (insitu_check(argv[1], NULL, NULL, on_finding, NULL, &result, &error) != INSITU_OK) {
        fprintf(stderr, "%s\n", insitu_error_text(error));
        insitu_error_free(error);
        return 1;
    }
    return result.errors == 0 ? 0 : 4;
}
