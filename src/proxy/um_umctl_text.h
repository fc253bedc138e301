/*
 * um_umctl_text.h -- what UMCTL READY, INFO and STATS say, in the forms of
 * the reference (dataplane.md 2.2, 10.3).  Pure.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_UMCTL_TEXT_H
#define UM_UMCTL_TEXT_H

#include "core/um_sbuf.h"
#include "meta/um_topo.h"
#include "shm/um_lease.h"
#include "shm/um_repl_sh.h"
#include "shm/um_workers.h"

/* Is any local entry not about to leave?  (An entry without ranges counts.) */
bool um_umctl_ready(const um_topo_t *t);

/*
 * The six elements of UMCTL INFO.  The entries that a migration waits for
 * stand at PRE_CHECK: the source serves them.
 */
void um_umctl_info(const um_topo_t *t, const um_repl_t *r,
    const um_repl_board_t *b, const um_lease_told_t *lease, um_sbuf_t *out);

/*
 * "# Migration" and the reference's 22 counters, then "# Proxy" and ours, the
 * sums over all workers.
 */
void um_umctl_stats(const um_workers_sh_t *rows, um_sbuf_t *out);

#endif /* UM_UMCTL_TEXT_H */
