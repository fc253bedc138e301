/*
 * um_orphans.h -- connections of workers that died: have their Redis kill
 * them, so that nothing they had sent runs later (design.md 2.8).
 *
 * Every worker does so over each of its own shared connections, as soon as it
 * knows of a death and before it sends anything else: whatever its clients
 * ask from then on is executed behind the kill.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_ORPHANS_H
#define UM_ORPHANS_H

#include "proxy/um_backend.h"

/* Has a worker died?  Once per turn, before anything is routed. */
void um_orphans_check(um_worker_t *w);

/*
 * Have the Redis behind `b` (GREETING or READY) kill what dead workers left
 * there.  How many CLIENT KILLs are now on their way; `answered`, which may be
 * NULL, is called for each with `b` unless `b` breaks first.
 */
uint32_t um_orphans_kill(um_backend_t *b, void (*answered)(um_backend_t *b));

#endif /* UM_ORPHANS_H */
