/*
 * beat_text.h -- what a proxy says of itself, taken apart.  Pure.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef BEAT_TEXT_H
#define BEAT_TEXT_H

#include "core/um_base.h"

#define BEAT_FAULT_MAX 31

typedef struct {
    uint64_t epoch;
    uint64_t repl_epoch;
    char fault[BEAT_FAULT_MAX + 1]; /* "none", "down", "hung", ... */
    bool in_sync;
    uint64_t finished; /* migrations that wait to be committed */
} beat_t;

/* UMCTL BEAT's "7 7 none 1 0"; what may come behind it some day is ignored.
 * UM_DECLINED: it is something else, `*b` is untouched. */
UM_MUSTCHECK um_rc_t beat_parse(um_str_t text, beat_t *b);

#endif /* BEAT_TEXT_H */
