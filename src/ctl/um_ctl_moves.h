/*
 * um_ctl_moves.h -- the tasks of a cluster that have begun, from the broker,
 * with what their sources say of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CTL_MOVES_H
#define UM_CTL_MOVES_H

#include "ctl/um_ctl_load.h"
#include "ctl/um_ctl_move.h"

typedef struct {
    um_pool_t *pool;
    const char *cluster;
    um_ctl_move_t *move;
    size_t moves;
    size_t undoing;     /* of them: are taken back */
    const char **proxy; /* that are asked          */
    size_t proxies;
} um_ctl_moves_t;

/* What `v` has, and what is taken back of it.  A broker that does not say that
 * knows of none.  False: interrupted. */
UM_MUSTCHECK bool um_ctl_moves_load(
    um_ctl_t *c, um_ctl_moves_t *m, const um_ctl_view_t *v, um_pool_t *p);

/* The same task in another look; NULL: it is not there. */
um_ctl_move_t *um_ctl_moves_find(
    const um_ctl_moves_t *m, const um_ctl_task_t *t);

#endif /* UM_CTL_MOVES_H */
