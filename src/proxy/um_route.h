/*
 * um_route.h -- decide where a command goes.  A pure function: no I/O, no
 * clock, no globals; all it knows is what it is given.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_ROUTE_H
#define UM_ROUTE_H

#include "meta/um_topo.h"
#include "resp/um_cmd.h"

typedef enum {
    UM_GO_LOCAL,     /* to one of our own Redis nodes                  */
    UM_GO_PEER,      /* forward it to the proxy that owns the slot     */
    UM_GO_MOVED,     /* tell the client which proxy owns the slot      */
    UM_GO_ELSEWHERE, /* no metadata: MOVED to default_redirection_address */
    UM_GO_NOWHERE,   /* nobody owns the slot                           */
    UM_GO_DOWN,      /* no metadata                                    */
    UM_GO_TOO_FAR,   /* no redirections left                           */
} um_go_t;

typedef struct {
    um_go_t go;
    uint16_t addr; /* index into topo->addr: LOCAL, PEER, MOVED */
    uint8_t hops;  /* PEER: the counter of UMFORWARD            */
} um_verdict_t;

typedef struct {
    bool active;              /* active_redirection               */
    bool default_redirection; /* default_redirection_address set  */
    uint8_t max_redirections; /* 0: as many as the protocol allows */
} um_route_conf_t;

/* The longest way a command may go: what the reference caps it at. */
#define UM_REDIRECTIONS_MAX 4

/* Is the slot served by a node of our own?  The first question of um_route(),
 * and mostly the last: owner[slot] is its address then. */
static inline bool
um_route_is_local(const um_topo_t *topo, uint16_t slot)
{
    /* NO_OWNER is beyond all counts. */
    return topo->owner[slot] < topo->local_count && um_topo_has_cluster(topo);
}

/*
 * `hops` is 0 for a client's own command, and the counter of an incoming
 * UMFORWARD plus 1 otherwise (dataplane.md 4.5).
 */
um_verdict_t um_route(const um_topo_t *topo, uint16_t slot, uint8_t hops,
    const um_route_conf_t *conf);

/* The one slot all keys of a request are in.  UM_DECLINED: more than one. */
UM_MUSTCHECK um_rc_t um_route_slot(
    const um_str_t *argv, const um_keys_t *keys, uint16_t *slot);

#endif /* UM_ROUTE_H */
