/*
 * um_orphans.h -- connections of workers that died: have their Redis kill
 * them, so that nothing they had sent runs later (design.md 2.8).
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_ORPHANS_H
#define UM_ORPHANS_H

#include "proxy/um_worker.h"

/* Look for dead rows and do what can be done now.  One worker does it: the
 * living one with the lowest row. */
void um_orphans_tick(um_worker_t *w);

#endif /* UM_ORPHANS_H */
