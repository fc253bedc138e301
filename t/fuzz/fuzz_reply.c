/*
 * fuzz_reply.c -- what a Redis, or something in its place, may answer.
 *
 * The first byte says how the rest is cut; all cuts must find the same ends.
 * The bytes are also read as a reply to COMMAND.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <stdlib.h>
#include <string.h>

#include "core/um_str.h"
#include "resp/um_cmd_foreign.h"
#include "resp/um_reply_scan.h"

#define REPLIES 256

typedef struct {
    size_t end;
    char type;
} found_t;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The ends of all replies; the last one is SIZE_MAX after an error. */
static size_t
scan_all(const uint8_t *data, size_t size, unsigned most, found_t *found)
{
    um_reply_scan_t s = { .type = 0 };
    size_t at = 0, count = 0;
    unsigned turn = most;

    while (at < size && count < REPLIES) {
        size_t n =
            most == 0 ? size - at : um_min(size - at, 1 + (size_t) turn % most);
        size_t used = SIZE_MAX;
        char *copy = malloc(n);
        um_rc_t rc;

        memcpy(copy, data + at, n);
        rc = um_reply_scan(&s, copy, n, &used);
        free(copy);

        um_assert(s.depth <= UM_REPLY_DEPTH);
        turn = turn * 7 + 1;

        switch (rc) {
        case UM_OK:
            um_assert(used >= 1 && used <= n);
            um_assert(s.depth == 0);
            at += used;
            found[count++] = (found_t){ at, s.type };
            break;

        case UM_AGAIN:
            at += n;
            break;

        default:
            um_assert(rc == UM_ERR);
            found[count++] = (found_t){ SIZE_MAX, 0 };
            return count;
        }
    }

    return count;
}

/* Whatever is learnt must be something um_cmd_keys() can work with. */
static void
learn(const uint8_t *data, size_t size)
{
    static const char *const texts[] = { "x", "2", "store", "keys", "streams",
        "a", "1", "b" };
    um_cmd_foreign_t *f = um_cmd_foreign_new();
    um_keys_t keys = { .key = NULL };
    um_str_t argv[64];
    const um_cmd_t *cmd;

    um_assert(f != NULL);
    for (size_t i = 0; i < um_countof(argv); i++) {
        argv[i] = um_str_of(texts[i % um_countof(texts)]);
    }

    um_cmd_foreign_begin(f);
    if (um_cmd_foreign_learn(f, (um_str_t){ (const char *) data, size })
        == UM_OK) {
        um_cmd_foreign_end(f, 1);
    }

    for (size_t i = 0; (cmd = um_cmd_foreign_at(f, i)) != NULL; i++) {
        um_assert(um_cmd_foreign_find(f, um_str_of(cmd->name)) != NULL);
        um_assert(um_cmd_find_name(um_str_of(cmd->name)) == NULL);

        for (uint32_t argc = 1; argc < um_countof(argv); argc++) {
            if (um_cmd_arity_ok(cmd, argc)
                && um_cmd_keys(cmd, argv, argc, &keys) == UM_OK) {
                for (uint32_t k = 0; k < keys.count; k++) {
                    um_assert(keys.key[k].pos > 0 && keys.key[k].pos < argc);
                }
            }
        }
    }

    um_keys_deinit(&keys);
    um_cmd_foreign_free(f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static found_t whole[REPLIES], cut[REPLIES];
    size_t n, m;

    if (size < 1) {
        return 0;
    }

    n = scan_all(data + 1, size - 1, 0, whole);
    m = scan_all(data + 1, size - 1, 1 + data[0], cut);

    um_assert(n == m);
    for (size_t i = 0; i < n; i++) {
        um_assert(whole[i].end == cut[i].end);
        um_assert(whole[i].type == cut[i].type);
    }

    learn(data + 1, size - 1);
    return 0;
}
