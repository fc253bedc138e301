/*
 * um_ctl_wait.h -- waiting for what has been asked for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CTL_WAIT_H
#define UM_CTL_WAIT_H

#include "ctl/um_ctl_load.h"

/* Looking again and again.  Set by the caller: */
typedef struct {
    um_ctl_t *c;
    const char *cluster;
    bool for_ever;           /* there is no --wait-timeout for it ... */
    bool stalls;             /* ... or it counts from the latest progress */
    const char *interrupted; /* what is said then, NULL: the usual */

    /* By a look: */
    um_sbuf_t now;     /* how far it is, in a line; empty: nothing to say */
    um_sbuf_t more;    /* for a terminal, further lines, each with its end */
    uint64_t progress; /* another number when it has got on */
    unsigned phase;    /* another number when it is about something else */
    bool gone;         /* there is no such cluster any more */

    um_pool_t *p; /* of one look */
} um_ctl_wait_t;

/* UM_CTL_LATE: not yet.  UM_CTL_DONE, or how it ended; that has been said. */
typedef int (*um_ctl_look_pt)(um_ctl_wait_t *w, void *data);

/* Until a look says how it ended; that is returned.  A broker that does not
 * answer may be back soon. */
int um_ctl_wait(um_ctl_wait_t *w, um_ctl_look_pt look, void *data);

/* For looks.  GET clusters/<what>/<cluster>; NULL: there is no good answer yet,
 * and w->now says why.  And the view; false: the same. */
const cJSON *um_ctl_wait_get(um_ctl_wait_t *w, const char *what);
UM_MUSTCHECK bool um_ctl_wait_view(um_ctl_wait_t *w, um_ctl_view_t *v);
UM_MUSTCHECK bool um_ctl_wait_info(um_ctl_wait_t *w, um_ctl_info_t *info);

/* Until all proxies of the cluster know it, and all nodes that are told of
 * are what they should be. */
int um_ctl_wait_ready(um_ctl_t *c, const char *cluster);

/* um_ctl_watch.c: until the slots are where they belong when the cluster has
 * `nodes` nodes; until none are on the move, wherever they are. */
int um_ctl_wait_scaled(um_ctl_t *c, const char *cluster, uint64_t nodes);
int um_ctl_wait_still(um_ctl_t *c, const char *cluster);

/* It is done: say so, in words or as {"name":..,"done":true}.  UM_CTL_DONE. */
int um_ctl_wait_told(um_ctl_t *c, const char *name, const char *fmt, ...)
    UM_PRINTF(3, 4);

#endif /* UM_CTL_WAIT_H */
