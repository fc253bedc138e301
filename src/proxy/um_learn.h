/*
 * um_learn.h -- commands of newer Redis and of modules: asked of every local
 * node, forwarded when all of them know the same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_LEARN_H
#define UM_LEARN_H

#include "proxy/um_worker.h"

typedef struct um_learn_s um_learn_t;

/* Takes `command NAME ...;` of the configuration at once.  NULL: logged. */
um_learn_t *um_learn_new(um_worker_t *w);
void um_learn_free(um_learn_t *l);

/* The local nodes, or the process behind one of them, have changed. */
void um_learn_again(um_learn_t *l);

/* Ask when that is due and all nodes are there; a few times a second. */
void um_learn_tick(um_learn_t *l);

#endif /* UM_LEARN_H */
