/*
 * um_private.h -- a connection of one's own to a local Redis or a peer, for
 * what must not share one: big requests, what may block (um_block.h), scans.
 *
 * Bounded by private_connections per worker.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_PRIVATE_H
#define UM_PRIVATE_H

#include "proxy/um_node.h"

/*
 * Send one command to local node `addr` (index into w->topo->addr) over a
 * private connection and call `done` with its reply (um_req_done_pt: the
 * reply's bytes are in r->reply; r->data is `data`).  `done` is called exactly
 * once, not before this returns.  UM_ERR: no connection to be had, `done` will
 * not be called.
 */
UM_MUSTCHECK um_rc_t um_private_call(um_worker_t *w, uint32_t addr,
    const um_str_t *argv, uint32_t argc, um_req_done_pt done, void *data);

/*
 * A private connection to `n` that speaks RESP `proto`, for one request of a
 * client: give it back with um_private_put().  NULL: private_connections are
 * used up, or no memory.
 */
um_backend_t *um_private_get(um_node_t *n, uint8_t proto);

/* Its request has been answered: whoever waits for one gets it, or it is kept
 * for the next, or closed when it is spoilt or its node has left. */
void um_private_put(um_backend_t *b);

/* Close idle ones that were to be kept until `since` at most; UINT64_MAX: all.
 */
void um_private_close_idle(um_node_t *n, uint64_t since);

/* Close one that is idle; false: there is none. */
bool um_private_spare_one(um_node_t *n);

#endif /* UM_PRIVATE_H */
