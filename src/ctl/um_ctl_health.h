/*
 * um_ctl_health.h -- what a proxy says of itself: UMCTL HEALTH, taken apart.
 *
 * Pure.  Unknown lines and fields are passed over: a newer proxy may say more.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CTL_HEALTH_H
#define UM_CTL_HEALTH_H

#include "ctl/um_ctl_mem.h"

typedef struct {
    const char *node;  /* its address                                   */
    const char *role;  /* "master", "replica"                           */
    const char *state; /* "serving", "in_sync", ...                     */
    const char *fault; /* "none", "down", ...                           */
    bool link;         /* a replica's, to its master                    */
    uint64_t lag;      /* bytes that it is behind                       */
    uint64_t lost;     /* bytes that its latest promotion did without   */
} um_ctl_seat_t;

typedef struct {
    uint64_t epoch;
    bool detailed; /* all of the following is known */
    uint64_t repl_epoch;
    const char *cluster; /* "": none */
    const char *fault;   /* "none" */
    bool in_sync;
    uint64_t protocol; /* of migrations; 0: none of ours */
    um_ctl_seat_t *seat;
    size_t seats;
} um_ctl_health_t;

/* False: it is no such text, and `*h` is as it was.  Its texts are in the
 * pool. */
UM_MUSTCHECK bool um_ctl_health_parse(
    um_ctl_health_t *h, um_str_t text, um_pool_t *p);

/* The seat of a node; NULL: the proxy says nothing of it. */
const um_ctl_seat_t *um_ctl_health_of(
    const um_ctl_health_t *h, const char *node);

/* A fault in words: "its Redis does not run"; NULL for "none". */
const char *um_ctl_fault_words(const char *fault);

#endif /* UM_CTL_HEALTH_H */
