/*
 * um_block.h -- commands that may wait at Redis, each alone on a private
 * connection, for as long as they like (design.md 2.5).
 *
 *   HELD     -> QUEUED   [um_block_retry]  nothing old can come behind it
 *   QUEUED   -> BLOCKED  [block_send]      a connection is ready
 *   QUEUED   -> PRELUDE  [block_send]      WAIT: PUBLISH goes first
 *   PRELUDE  -> BLOCKED  [block_on_prelude]
 *   BLOCKED  -> OVER     [um_block_over]   answered, or the connection is lost
 *   OVER     -> QUEUED   [block_again]     its slot had left: elsewhere
 *
 * A blocked command is called off by CLIENT UNBLOCK: when its client has left,
 * when its slot has, when somebody asks for it.  What Redis answers then says
 * whether it was served just before; so nothing is popped and lost in silence.
 *
 * Who waits for a connection is served in the order of asking, so that Redis'
 * own fairness is ours.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_BLOCK_H
#define UM_BLOCK_H

#include "proxy/um_node.h"
#include "proxy/um_route.h"

typedef struct um_blocking_s um_blocking_t;

/*
 * Send `r`, whose words are `argv`, to where `v` (LOCAL or PEER) says.  It is
 * its client's barrier, or a part of it (WAIT).  `r` is answered in any case.
 */
void um_block_start(
    um_req_t *r, um_verdict_t v, const um_str_t *argv, uint32_t argc);

/*
 * CLIENT UNBLOCK: have what `c` waits for answered as by a timeout, or by an
 * error.  false: it does not wait for anything.
 */
bool um_block_unblock(um_client_t *c, bool with_error);

/* w->topo has been replaced: call off what waits for a slot that has left. */
void um_block_topology(um_worker_t *w);

/* Some milliseconds have passed. */
void um_block_tick(um_worker_t *w);

/* ---- for the data plane ------------------------------------------------- */

/* A private connection is ready and idle: let the next one have it.  false:
 * nobody waits. */
bool um_block_serve(um_backend_t *b);

/* A private connection was closed: those it was opened for must know. */
void um_block_unserved(um_backend_t *b);

/*
 * `data` is the end of the reply to `r`, which has UM_HOOK_BLOCKED and is out
 * of its FIFO.  true: it is issued again, the reply is not for the client.
 */
bool um_block_answered(um_req_t *r, const char *data, size_t len);

/* The client of `r`, which is in a private FIFO, has left. */
void um_block_left(um_req_t *r);

/* `r` has left its connection. */
void um_block_over(um_req_t *r);

/* `r` is about to be freed. */
void um_block_free(um_req_t *r);

/* When its connection must have answered; UINT64_MAX: never. */
uint64_t um_block_deadline(const um_req_t *r);

/* A Redis does not answer: what waits there waits in vain. */
void um_block_hung(um_node_t *n);

/* `c` begins or ends to wait. */
void um_block_mark(um_client_t *c, bool on);

#endif /* UM_BLOCK_H */
