/*
 * back_rule.h -- when a proxy that had failed may be taken back.  Pure.
 *
 * It has to be well for a while, and for twice as long each time it fails soon
 * after it was taken back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef BACK_RULE_H
#define BACK_RULE_H

#include "core/um_base.h"

#define BACK_LOOKS      3
#define BACK_WELL_MS    2000
#define BACK_TIMES_MAX  7      /* 2 s doubled so often */
#define BACK_FORGIVE_MS 600000 /* well for as long, it has a new start */

typedef struct {
    uint32_t looks;    /* in a row that found it well */
    uint64_t since_ms; /* the first of them           */
    uint32_t times;    /* that it was taken back      */
    uint64_t last_ms;  /* the latest of them          */
} back_t;              /* zeroed is ready */

/* A look has found it failed, and `well` or not.  True: take it back now. */
bool back_note(back_t *b, bool well, uint64_t now_ms);

/* It was taken back. */
void back_done(back_t *b, uint64_t now_ms);

#endif /* BACK_RULE_H */
