/*
 * fuzz_scan.c -- what a client may send.
 *
 * The first two bytes say how the rest is cut.  However it is cut, the same
 * requests and the same error must come out; no byte outside is read (each
 * piece lives in memory of just its size); words lie within the request.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <stdlib.h>
#include <string.h>

#include "resp/um_cmd.h"
#include "resp/um_scan.h"

#define REQUESTS 64 /* looked at in one input */

typedef struct {
    uint32_t argc;
    size_t used;
    uint64_t sum; /* of the words, so that they can be compared */
    const char *err;
} found_t;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const um_scan_limits_t limits[] = {
    { .max_args = INT32_MAX, .max_bulk = 512u << 20, .max_inline = 65536 },
    { .max_args = 100, .max_bulk = 200, .max_inline = 50 },
    { INT32_MAX, 512u << 20, 65536, .unauthenticated = true },
};

static uint64_t
words_sum(const um_args_t *args, const char *from, size_t len)
{
    uint64_t sum = 14695981039346656037u;

    for (uint32_t i = 0; i < args->argc; i++) {
        um_str_t w = args->argv[i];

        if (args->is_inline) {
            from = args->text.data;
            len = args->text.cap;
        }

        um_assert(w.len <= len && w.data >= from);
        um_assert((size_t) (w.data - from) <= len - w.len);

        sum = (sum ^ w.len) * 1099511628211u;
        for (size_t j = 0; j < w.len; j++) {
            sum = (sum ^ (unsigned char) w.data[j]) * 1099511628211u;
        }
    }

    return sum;
}

/* What becomes of such a command: only that it is safe to ask. */
static void
command_look(const um_args_t *args)
{
    const um_cmd_t *cmd = um_cmd_find(args->argv, args->argc);
    um_keys_t keys = { .key = NULL };

    if (cmd != NULL && um_cmd_arity_ok(cmd, args->argc)) {
        (void) um_cmd_blocks(cmd, args->argv, args->argc);
        (void) um_cmd_refused(cmd, args->argv, args->argc);

        if (um_cmd_keys(cmd, args->argv, args->argc, &keys) == UM_OK) {
            for (uint32_t i = 0; i < keys.count; i++) {
                um_assert(keys.key[i].pos > 0);
                um_assert(keys.key[i].pos < args->argc);
            }
        }
    }

    um_keys_deinit(&keys);
}

/* All requests of `data`, given in steps of 1 .. `most` bytes; 0: at once. */
static size_t
scan_all(const um_scan_limits_t *lim, const uint8_t *data, size_t size,
    unsigned most, found_t *found)
{
    um_scan_t s = { .pos = 0 };
    size_t start = 0, have = most == 0 ? size : 0, count = 0;
    unsigned turn = most;
    um_args_t args;

    um_args_init(&args);

    while (count < REQUESTS) {
        found_t *f = &found[count];
        size_t used = SIZE_MAX;
        const char *err = NULL;
        char *copy = malloc(have - start + (have == start));
        um_rc_t rc;

        memcpy(copy, data + start, have - start);
        rc = um_scan_request(&s, lim, copy, have - start, &args, &used, &err);

        if (rc == UM_OK) {
            um_assert(used >= 1 && used <= have - start);
            *f = (found_t){ args.argc, used, words_sum(&args, copy, used),
                NULL };
            command_look(&args);
            start += used;
            count++;
        }

        free(copy);

        if (rc == UM_ERR) {
            um_assert(err != NULL);
            *f = (found_t){ .err = err };
            count++;
            break;
        }

        if (rc == UM_AGAIN) {
            um_assert(s.need >= 1);
            if (have == size) {
                break;
            }

            turn = turn * 7 + 1;
            have = um_min(size, have + 1 + turn % (most + 1));
        }
    }

    um_args_deinit(&args);
    return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static found_t whole[REQUESTS], cut[REQUESTS];
    const um_scan_limits_t *lim;
    size_t n, m;

    if (size < 2) {
        return 0;
    }

    lim = &limits[data[0] % um_countof(limits)];
    n = scan_all(lim, data + 2, size - 2, 0, whole);
    m = scan_all(lim, data + 2, size - 2, 1 + data[1], cut);

    um_assert(n == m);
    for (size_t i = 0; i < n; i++) {
        um_assert(whole[i].argc == cut[i].argc);
        um_assert(whole[i].used == cut[i].used);
        um_assert(whole[i].sum == cut[i].sum);
        um_assert(whole[i].err == cut[i].err);
    }

    return 0;
}
