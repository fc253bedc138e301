/*
 * um_ctl_move.h -- one task of a migration, and how far it is: what its source
 * says in UMCTL INFO, taken apart, and put into words.
 *
 * Pure.  A proxy of the reference says the state alone, one of ours words of
 * the form "key: value" behind it.  Unknown ones are passed over: a newer
 * proxy may say more.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CTL_MOVE_H
#define UM_CTL_MOVE_H

#include "ctl/um_ctl_view.h"

typedef struct {
    um_ctl_task_t task;
    bool undoing;   /* it is taken back       */
    bool undone[2]; /* its source has, its destination has */

    const char *deaf;  /* why its source does not answer; NULL: it does */
    const char *state; /* "SCANNING"; NULL: nobody tells                */
    const char *step;  /* "COPY"; NULL: the rest is not known           */
    const char *why;   /* what it waits for, or what went wrong; NULL   */
    uint64_t keys;     /* copied, some more than once                   */
    uint64_t bytes;
    uint64_t dirty; /* keys written since, to be copied again */
    uint64_t per_mille;
    uint64_t keys_second;
    uint64_t held_us; /* for which commands have waited */
    uint64_t attempts;
    uint64_t big; /* keys that are moved piece by piece */
} um_ctl_move_t;

/* What stands behind "<src node> -> <dst node> "; texts are in the pool. */
void um_ctl_move_parse(um_ctl_move_t *m, um_str_t words, um_pool_t *p);

/* How much of it is done, 0 to 1000: nothing of one that nobody tells of. */
uint64_t um_ctl_move_done(const um_ctl_move_t *m);

/* It has got on between the two looks, or changed its state. */
bool um_ctl_move_went_on(const um_ctl_move_t *was, const um_ctl_move_t *is);

/* The same task. */
bool um_ctl_move_same(const um_ctl_task_t *a, const um_ctl_task_t *b);

/* Commands for its slots wait. */
bool um_ctl_move_holds(const um_ctl_move_t *m);

/* "COPY", "SCANNING", "is taken back"; NULL: nobody tells. */
const char *um_ctl_move_state(const um_ctl_move_t *m);

/* ---- In words ----------------------------------------------------------- */

/* "[####------]" */
void um_ctl_put_bar(um_sbuf_t *out, uint64_t per_mille);

/* "1,234,567", "1.2 GB", "2 h 5 m" */
void um_ctl_put_count(um_sbuf_t *out, uint64_t n);
void um_ctl_put_bytes(um_sbuf_t *out, uint64_t bytes);
void um_ctl_put_seconds(um_sbuf_t *out, uint64_t seconds);

/* "1,234,567 keys, 1.2 GB, 34,000 keys/s": the last is of a second. */
void um_ctl_put_copied(
    um_sbuf_t *out, uint64_t keys, uint64_t bytes, uint64_t rate);

/* A line about one: what moves whither, and how far it is. */
void um_ctl_put_move(um_sbuf_t *out, const um_ctl_move_t *m);

#endif /* UM_CTL_MOVE_H */
