/*
 * um_client_walk.h -- look at all clients of a worker, some in each turn, so
 * that ten thousand of them make no long turn.
 *
 * One walk after the other: LIST behind KILL shows nobody that KILL has meant.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CLIENT_WALK_H
#define UM_CLIENT_WALK_H

#include "proxy/um_client.h"
#include "proxy/um_worker.h"

/* `c` may be killed in there, and no other. */
typedef void (*um_client_visit_pt)(um_client_t *c, void *data);
typedef void (*um_client_walked_pt)(void *data);

/*
 * Visit every client there is now, from the end of this turn on; those that
 * leave before are left out.  Then, or when the worker leaves, `walked` is
 * called, always once and never before this returns.  UM_ERR: out of memory,
 * it will not be called.
 */
UM_MUSTCHECK um_rc_t um_client_walk(um_worker_t *w, um_client_visit_pt visit,
    um_client_walked_pt walked, void *data);

/* At the end of each turn, before its bytes are written. */
void um_client_walk_on(um_worker_t *w);

/* `c` leaves the list of clients: nobody's next step is on it any more. */
void um_client_walk_left(um_client_t *c);

/* The worker leaves: all walks end where they are. */
void um_client_walk_end(um_worker_t *w);

#endif /* UM_CLIENT_WALK_H */
