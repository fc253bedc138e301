/*
 * um_store_play.h -- a line of a story while it is played; for
 * um_store_script.c and um_store_asks.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_STORE_PLAY_H
#define UM_STORE_PLAY_H

#include "um_store_script.h"

#define WORDS 12

typedef struct {
    store_t *s;
    store_env_t env;
    um_sbuf_t out; /* what the line says, beyond the result */
    char *word[WORDS];
    unsigned words;
} play_t;

typedef struct {
    const char *name;
    store_rc_t (*fn)(play_t *p);
} play_deed_t;

/* Questions: what they append to `out` is all they say. */
extern const play_deed_t play_asks[];
extern const size_t play_asks_n;

/* The i-th word of the line, as it is, as a slice, as a number. */
const char *play_arg(const play_t *p, unsigned i);
um_str_t play_text(const play_t *p, unsigned i);
uint64_t play_number(const play_t *p, unsigned i);

#endif /* UM_STORE_PLAY_H */
