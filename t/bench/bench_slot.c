/*
 * bench_slot.c -- from a key to its slot: once per key of every command.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "core/um_slot.h"

#include <string.h>

#include "um_bench.h"

#define KEYS 256 /* several, so that no branch learns one by heart */

typedef struct {
    const char *what;
    const char *format; /* of one number */
} shape_t;

typedef struct {
    um_str_t key[KEYS];
    char text[KEYS][160];
} keys_t;

static void
keys_make(keys_t *k, const char *format)
{
    for (int i = 0; i < KEYS; i++) {
        int len = snprintf(k->text[i], sizeof(k->text[i]), format, i * 7919);

        k->key[i] = (um_str_t){ k->text[i], (size_t) len };
    }
}

static uint64_t
slot_of(void *ctx, uint64_t n)
{
    const keys_t *k = ctx;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < n; i++) {
        sum += um_slot_of(k->key[i % KEYS]);
    }

    return sum;
}

int
main(void)
{
    static const shape_t shapes[] = {
        { "slot: key of 16 bytes", "key:%012d" },
        { "slot: key of 32 bytes", "session:user:profile:%011d" },
        { "slot: tag of 8 in a key of 32 bytes",
            "user:{%08d}:shopping:cart:v1" },
        { "slot: key of 128 bytes",
            "a:rather:long:key:of:some:organisation:that:likes:its:names:"
            "spelt:out:in:full:so:that:nobody:ever:doubts:them:%014d" },
    };
    static keys_t keys;

    for (size_t i = 0; i < um_countof(shapes); i++) {
        keys_make(&keys, shapes[i].format);
        um_bench_run(shapes[i].what, slot_of, &keys);
    }

    return EXIT_SUCCESS;
}
