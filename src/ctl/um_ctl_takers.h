/*
 * um_ctl_takers.h -- may these replicas become masters?
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CTL_TAKERS_H
#define UM_CTL_TAKERS_H

#include "ctl/um_ctl_load.h"

/*
 * Pure: why a replica must not take over while its master lives: it has not
 * all data, or nobody knows.  NULL: it may.  In the pool.
 */
const char *um_ctl_taker_why(
    um_pool_t *p, const um_ctl_node_t *n, const um_ctl_probe_t *probe);

/* Pure: a node that would become master when its chunk is balanced. */
bool um_ctl_taker_at_balance(const um_ctl_view_t *v, size_t node);

#endif /* UM_CTL_TAKERS_H */
