/*
 * um_ctl_wait.h -- waiting for what has been asked for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CTL_WAIT_H
#define UM_CTL_WAIT_H

#include "ctl/um_ctl_load.h"

/* Until all proxies of the cluster know it, and all nodes that are told of
 * are what they should be.  UM_CTL_DONE, or how it ended; that has been said.
 */
int um_ctl_wait_ready(um_ctl_t *c, const char *cluster);

/* Until the slots are where they belong when the cluster has `nodes` nodes. */
int um_ctl_wait_scaled(um_ctl_t *c, const char *cluster, uint64_t nodes);

/* It is done: say so, in words or as {"name":..,"done":true}.  UM_CTL_DONE. */
int um_ctl_wait_told(um_ctl_t *c, const char *name, const char *fmt, ...)
    UM_PRINTF(3, 4);

#endif /* UM_CTL_WAIT_H */
