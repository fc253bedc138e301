/*
 * fuzz_repl.c -- SETREPL from any bytes, as words, one per line; and INFO of a
 * Redis behind a first byte '#'.
 *
 * What is accepted is told as one whole reply.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <stdlib.h>
#include <string.h>

#include "core/um_sbuf.h"
#include "core/um_str.h"
#include "meta/um_repl.h"
#include "mover/um_look.h"
#include "proxy/um_repl_text.h"
#include "resp/um_reply_scan.h"

#define WORDS_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static um_repl_t repl;

static void
must_be_a_reply(const um_sbuf_t *b)
{
    um_reply_scan_t s = { .type = 0 };
    size_t used = 0;

    um_assert(!b->failed);
    um_assert(um_reply_scan(&s, b->data, b->len, &used) == UM_OK);
    um_assert(used == b->len);
}

static void
fuzz_words(const char *s, size_t size)
{
    static um_str_t words[WORDS_MAX];
    um_sbuf_t out = { 0 };
    const char *error;
    uint32_t n = 0;
    bool force;

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

    error = um_repl_decode(words, n, um_lit("127.0.0.1"), &repl, &force);
    if (error != NULL) {
        um_assert(strpbrk(error, "\r\n") == NULL);
        return;
    }

    for (uint32_t i = 0; i < repl.count; i++) {
        um_assert(
            um_repl_find(&repl, um_str_of(repl.node[i].node)) == &repl.node[i]);
    }

    um_repl_text_wanted(&repl, &out);
    must_be_a_reply(&out);
    um_sbuf_deinit(&out);
}

static void
fuzz_info(const char *s, size_t size)
{
    um_look_t l;

    if (um_look_parse((um_str_t){ s, size }, &l) == UM_OK) {
        um_assert(memchr(l.run_id, '\0', sizeof(l.run_id)) != NULL);
        um_assert(memchr(l.master_host, '\0', sizeof(l.master_host)) != NULL);
        um_assert(!um_look_took_over(&l, &l) || l.replid[0] != '\0');
        um_assert(!um_look_is_ahead(&l, &l));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A copy, so that a step beyond the end is seen; never NULL. */
    char *s = malloc(size + (size == 0));

    um_assert(s != NULL);
    memcpy(s, data, size);

    if (size > 0 && s[0] == '#') {
        fuzz_info(s, size);
    } else {
        fuzz_words(s, size);
    }

    free(s);
    return 0;
}
