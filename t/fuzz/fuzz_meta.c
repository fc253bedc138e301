/*
 * fuzz_meta.c -- SETCLUSTER from any bytes: as words, one per line; and, from
 * a first byte '{' or '[' on, as the JSON of the compressed form, which the
 * checksum of gzip would keep a fuzzer away from.
 *
 * Whatever is accepted keeps the invariants of a topology.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <stdlib.h>
#include <string.h>

#include "core/um_str.h"
#include "meta/um_setcluster.h"
#include "meta/um_setcluster_in.h"

#define WORDS_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static um_topo_t topo;

static void
fuzz_words(const char *s, size_t size)
{
    static um_str_t words[WORDS_MAX];
    um_setcluster_t out;
    uint32_t n = 0;

    while (n < WORDS_MAX) {
        const char *end = memchr(s, '\n', size);
        size_t len = end != NULL ? (size_t) (end - s) : size;

        words[n++] = (um_str_t){ s, len };
        if (end == NULL) {
            break;
        }

        s += len + 1;
        size -= len + 1;
    }

    switch (um_setcluster_decode(words, n, um_lit("127.0.0.1"), &topo, &out)) {
    case UM_OK:
        um_assert(um_topo_check(&topo));
        um_assert(out.error == NULL);
        break;

    case UM_DECLINED:
        um_assert(out.error != NULL && strpbrk(out.error, "\r\n") == NULL);
        break;

    default:
        abort();
    }
}

static void
fuzz_json(const char *s, size_t size)
{
    um_topo_build_t *b = um_topo_build_new(&topo);

    um_assert(b != NULL);
    if (um_setcluster_json((um_str_t){ s, size }, b, &topo) == NULL) {
        um_topo_build_finish(b);
        um_assert(um_topo_check(&topo));
    }

    um_topo_build_free(b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A copy, so that a step beyond the end is seen; never NULL. */
    char *s = malloc(size + (size == 0));

    um_assert(s != NULL);
    memcpy(s, data, size);

    if (size > 0 && (s[0] == '{' || s[0] == '[')) {
        fuzz_json(s, size);
    } else {
        fuzz_words(s, size);
    }

    free(s);
    return 0;
}
