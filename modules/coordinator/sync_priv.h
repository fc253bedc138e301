/*
 * sync_priv.h -- what sync.c and sync_apply.c share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef SYNC_PRIV_H
#define SYNC_PRIV_H

#include "coord.h"
#include "texts.h"

typedef enum { LIST_NAMES, LIST_ADDRESSES, LIST_FAILED, LISTS } list_t;

typedef struct sync_s {
    coord_t *co;
    um_timer_t *timer;
    bool running;
    bool again;       /* once more when this one has ended          */
    bool dirty;       /* what is known is not all there is          */
    bool bad;         /* this round is of no use                    */
    uint32_t open;    /* requests unanswered                        */
    uint64_t turn;    /* of the brokers when the round began        */
    uint64_t applied; /* and when the last one counted              */
    uint64_t began_ns;
    uint64_t asked_ns; /* the same by um_clock_boot_ns() */
    uint64_t full_ns;  /* when the last whole round was made */
    uint64_t epoch;
    uint64_t round;
    texts_t list[LISTS];
    uint32_t next;   /* of the names: whose view is not asked for yet */
    um_list_t fresh; /* views that are new */
    char complaint[128];
} sync_t;

/* The round is whole: what it has found counts from now on. */
void sync_apply(sync_t *s);

#endif /* SYNC_PRIV_H */
