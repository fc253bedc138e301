/*
 * um_dispatch.h -- from a client's words to whoever answers them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_DISPATCH_H
#define UM_DISPATCH_H

#include "proxy/um_client.h"
#include "proxy/um_route.h"
#include "proxy/um_worker.h"

/*
 * Start one command of `c`: words `a`, whose bytes are `raw` (all borrowed).
 * UM_OK: started or answered; the client may be dead.  UM_AGAIN: not now; the
 * client is paused and will be resumed with the same bytes.
 */
UM_MUSTCHECK um_rc_t um_dispatch(
    um_client_t *c, const um_args_t *a, um_str_t raw);

/*
 * Send a command to where `v` (LOCAL or PEER) says.  `words` are its `argc`
 * words as bulks, without the array's header.  `r` is taken.
 */
void um_dispatch_send(
    um_req_t *r, um_verdict_t v, um_str_t words, uint32_t argc);

/* The shared connection of `c` to where `v` says; NULL: out of memory. */
struct um_backend_s *um_dispatch_shared(const um_client_t *c, um_verdict_t v);

/* The verdict for a slot, from the worker's own view. */
static inline um_verdict_t um_dispatch_route(
    um_worker_t *w, uint16_t slot, uint8_t hops);
um_verdict_t um_dispatch_route_away(
    um_worker_t *w, uint16_t slot, uint8_t hops);

/* The array's header, and UMFORWARD's words for a peer, into `out`.  `plain`
 * is what um_zip.h tells of: a counter of two digits. */
#define UM_DISPATCH_HEAD 64
um_str_t um_dispatch_head(um_verdict_t v, uint32_t argc, bool plain, char *out);

/* Answer what cannot be sent: MOVED, CLUSTERDOWN ... */
void um_dispatch_refuse(um_req_t *r, um_verdict_t v, uint16_t slot);

static inline um_verdict_t
um_dispatch_route(um_worker_t *w, uint16_t slot, uint8_t hops)
{
    if (um_likely(um_route_is_local(w->topo, slot))) {
        return (
            um_verdict_t){ .go = UM_GO_LOCAL, .addr = w->topo->owner[slot] };
    }

    return um_dispatch_route_away(w, slot, hops);
}

#endif /* UM_DISPATCH_H */
