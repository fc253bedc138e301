/*
 * um_worker_priv.h -- between um_worker.c and those it sets up.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_WORKER_PRIV_H
#define UM_WORKER_PRIV_H

#include "proxy/um_worker.h"

/* um_self.c: what the commands answered here keep in a worker. */
UM_MUSTCHECK um_rc_t um_worker_init_commands(um_worker_t *w);
void um_worker_deinit_commands(um_worker_t *w);

/* Accept nobody any more.  `retire`: serve those we have until they leave;
 * otherwise until nothing of theirs is unanswered. */
void um_worker_drain(um_worker_t *w, bool retire);

/* Close the clients that have nothing unanswered.  Without memory for a walk
 * the next call tries again. */
void um_worker_close_quiet(um_worker_t *w);

/* Some times a second. */
void um_worker_keep_house(um_worker_t *w);

#endif /* UM_WORKER_PRIV_H */
