/*
 * um_ctl_load.h -- what commands need to know before they begin.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CTL_LOAD_H
#define UM_CTL_LOAD_H

#include "ctl/um_ctl_ask.h"
#include "ctl/um_ctl_poll.h"
#include "ctl/um_ctl_view.h"

/* Each UM_CTL_DONE, or what to return after it has been said. */

int um_ctl_load_view(
    um_ctl_t *c, um_pool_t *p, const char *cluster, um_ctl_view_t *v);

/* The dump, and who is dead. */
int um_ctl_load_store(um_ctl_t *c, um_pool_t *p, um_ctl_store_t *s);

/* GET clusters/info. */
typedef struct {
    uint64_t nodes;
    uint64_t with_slots;
    uint64_t scaling;          /* to so many nodes; 0: not now */
    uint64_t cancelling;       /* tasks */
    const char *scaling_error; /* NULL: none */
    bool migrating;
} um_ctl_info_t;

/* False: it is no such answer. */
UM_MUSTCHECK bool um_ctl_info_parse(um_ctl_info_t *info, const cJSON *json);

int um_ctl_load_info(
    um_ctl_t *c, um_pool_t *p, const char *cluster, um_ctl_info_t *info);

/* "settled", "slots are on the move", ... in the pool. */
const char *um_ctl_info_words(um_pool_t *p, const um_ctl_info_t *info);

/* Ask all proxies of a cluster; `*probe` has one for each of v->proxy. */
int um_ctl_load_probes(
    um_ctl_t *c, um_pool_t *p, const um_ctl_view_t *v, um_ctl_probe_t **probe);

#endif /* UM_CTL_LOAD_H */
