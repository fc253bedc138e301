/*
 * fuzz_main.c -- main() of a fuzz target without libFuzzer.
 *
 * Feeds every file of corpus-NAME (or of the arguments) to the target once,
 * so that what a fuzzer has found stays found, with any compiler.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Exactly as many bytes as the file has, so that ASan sees a step beyond. */
static int
replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data;
    long size;

    if (f == NULL) {
        return -1;
    }

    if (fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0) {
        fclose(f);
        return -1;
    }

    rewind(f);
    data = malloc((size_t) size + (size == 0));
    if (data == NULL || fread(data, 1, (size_t) size, f) != (size_t) size) {
        free(data);
        fclose(f);
        return -1;
    }

    fclose(f);
    (void) LLVMFuzzerTestOneInput(data, (size_t) size);
    free(data);
    return 0;
}

static int
replay_dir(const char *dir, unsigned *count)
{
    struct dirent *entry;
    DIR *d = opendir(dir);
    char path[4096];
    int rc = 0;

    if (d == NULL) {
        return -1;
    }

    while (rc == 0 && (entry = readdir(d)) != NULL) {
        if (entry->d_name[0] != '.') {
            snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
            rc = replay_file(path);
            (*count)++;
        }
    }

    closedir(d);
    return rc;
}

int
main(int argc, char **argv)
{
    const char *srcdir = getenv("UM_SRCDIR");
    const char *name = strrchr(argv[0], '/');
    unsigned count = 0;
    char dir[2048];
    int rc = 0;

    if (argc > 1) {
        for (int i = 1; i < argc && rc == 0; i++, count++) {
            rc = replay_file(argv[i]);
        }
    } else {
        name = name == NULL ? argv[0] : name + 1;
        name = strncmp(name, "fuzz_", 5) == 0 ? name + 5 : name;
        snprintf(dir, sizeof(dir), "%s/t/fuzz/corpus-%s",
            srcdir == NULL ? "." : srcdir, name);
        rc = replay_dir(dir, &count);
    }

    printf("1..1\n%s 1 - %u inputs replayed\n",
        rc == 0 && count > 0 ? "ok" : "not ok", count);
    return rc == 0 && count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
