/*
 * um_node.h -- what this worker can send commands to: its local Redis nodes
 * and the peer proxies, by address.
 *
 * A node outlives topologies as long as its address stays; one that left is
 * freed when nothing of it is under way any more.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_NODE_H
#define UM_NODE_H

#include "core/um_addr.h"
#include "core/um_list.h"
#include "proxy/um_worker.h"

#define UM_NODE_HOPS  8 /* connections to a peer, one per hop level */
#define UM_NODE_CONNS 8 /* backend_conn_num at most */
#define UM_NODE_LINKS (2 * UM_NODE_CONNS) /* those, and as many of RESP3 */
#define UM_RUN_ID     40

typedef struct um_node_s um_node_t;

/*
 * A connection that broke or was given up with bytes that Redis may still
 * execute.  Kept until that Redis has killed it (design.md 2.8).
 */
typedef struct {
    um_list_t link;
    uint64_t id; /* CLIENT ID; 0: killed by address */
    char run_id[UM_RUN_ID];
    char laddr[64];   /* our end as Redis saw it */
    int32_t row_slot; /* in our row; -1: none */
    uint32_t asked;   /* CLIENT KILLs on their way */
    bool killed;      /* freed when `asked` is 0 */
    bool counted;     /* in the generation of its oldest command */
    uint8_t gen_slot;
    uint64_t since_ns;
} um_old_conn_t;

struct um_node_s {
    um_worker_t *w;
    um_node_t *hnext;
    um_list_t link; /* of all nodes */
    um_addr_t addr;
    uint64_t addr_hash;
    um_times_node_sh_t *times; /* how fast it answers us */

    bool is_peer;
    bool in_view;
    bool is_cluster;  /* redis_mode:cluster: one slot per command only */
    uint32_t version; /* 0x00MMmmpp; 0: not known */
    char run_id[UM_RUN_ID + 1];

    /* Local: why nobody is sent to it now, static; NULL: it serves.  Since
     * when, and whether those who waited for it have been told.  um_gate.h */
    const char *closed;
    uint64_t closed_ns;
    bool closed_long;
    bool closed_for_good; /* it is no master of ours any more, ...      */
    bool closed_at_once;  /* the lease: without any grace              */
    bool closed_done;     /* ... and what it had to answer is given up */
    bool was_in_view;     /* in the topology before this one           */

    /* Local: pinned; peer: by hop level.  From UM_NODE_CONNS on likewise for
     * RESP3, made when first needed. */
    um_backend_t *conn[UM_NODE_LINKS];
    um_list_t idle[2]; /* private connections ready for the next, by protocol */
    uint32_t idle_count;
    uint32_t private_count;

    /* um_block.h, by protocol: who waits for a private connection, how many
     * they are, and how many connections are coming for them. */
    um_list_t queue[2];
    uint32_t queued[2], coming[2];
    uint32_t blocked;  /* how many wait at this node */
    uint64_t asked_ns; /* whether it is alive, for those that wait */
    um_list_t old;     /* um_old_conn_t */
    uint64_t told_ns;  /* when we last logged that it does not let us in */
    uint64_t doubt_ns; /* peer: what it gave up may be executed until then */
};

um_nodes_t *um_nodes_new(um_worker_t *w); /* NULL: out of memory */
void um_nodes_free(um_nodes_t *nodes);

/* w->topo has been replaced: keep, make and retire nodes. */
void um_nodes_apply(um_nodes_t *nodes);

/* Node of w->topo->addr[i]; made when first asked for.  NULL: its address is
 * no address, or out of memory. */
static inline um_node_t *um_nodes_at(um_worker_t *w, uint32_t i);
um_node_t *um_nodes_make(um_nodes_t *nodes, uint32_t i);

/* The connection for the commands of a client that speaks RESP `proto`: `pin`
 * chooses among the pinned.  NULL: out of memory. */
static inline um_backend_t *um_node_pinned(
    um_node_t *n, uint64_t pin, uint8_t proto);
um_backend_t *um_node_connection(um_node_t *n, uint32_t i);

/* And to a peer, for commands that have `hops` redirections left there. */
um_backend_t *um_node_peer(um_node_t *n, uint8_t hops, uint8_t proto);

/*
 * Client `pin` goes over to the other RESP: where commands over its present
 * connections, those of `proto`, were given up and may still be executed, the
 * connection ends and is killed, or they would come behind what it says next.
 */
void um_nodes_leave(um_nodes_t *nodes, uint64_t pin, uint8_t proto);

/* What a handshake has told about a local node. */
void um_node_learn(
    um_node_t *n, const char *run_id, uint32_t version, bool is_cluster);

/* Deadlines, reconnects, retired nodes; every few milliseconds. */
void um_nodes_tick(um_nodes_t *nodes);

/* List a connection in our row; -1: the row is full or id is 0. */
int32_t um_nodes_row_add(
    um_nodes_t *nodes, const um_node_t *n, uint64_t id, const char *run_id);
void um_nodes_row_del(um_nodes_t *nodes, int32_t slot);

/* Call `visit` for every shared connection to a local node that is READY;
 * local nodes without any connection are connected to. */
void um_nodes_each_ready(um_nodes_t *nodes,
    uint32_t (*visit)(um_backend_t *b, void (*answered)(um_backend_t *b)));

/* Call `visit` for every local node, in the topology or not. */
void um_nodes_each_local(um_nodes_t *nodes, void (*visit)(um_node_t *n));

/* Close an idle private connection of any node; false: there is none. */
bool um_nodes_spare_one(um_nodes_t *nodes);

/* Add up what our row tells of all of them: CONNS_* and their like. */
void um_nodes_sum(const um_nodes_t *nodes, uint64_t gauge[UM_GAUGE_MAX]);

/* Nothing of any node is unanswered? */
bool um_nodes_quiet(const um_nodes_t *nodes);

/* `b` waits for something that may never come: look after it once a second
 * only. */
void um_nodes_sleep(um_nodes_t *nodes, um_backend_t *b);

/* Look at every connection that is not just being freed. */
void um_nodes_each(const um_nodes_t *nodes,
    void (*visit)(const um_backend_t *b, void *data), void *data);

/* Every backend with work, for um_backend.c to enter and leave. */
um_list_t *um_nodes_busy(um_nodes_t *nodes);

static inline um_node_t *
um_nodes_at(um_worker_t *w, uint32_t i)
{
    um_node_t *n = w->node_at[i];

    return um_likely(n != NULL) ? n : um_nodes_make(w->nodes, i);
}

/* Which of conn[] that is. */
static inline uint32_t
um_node_pin(const um_node_t *n, uint64_t pin, uint8_t proto)
{
    uint32_t count = n->w->conf->backend_conn_num;
    uint32_t i = count == 1 ? 0 : (uint32_t) (pin % count);

    return i + (proto - 2u) * UM_NODE_CONNS;
}

static inline um_backend_t *
um_node_pinned(um_node_t *n, uint64_t pin, uint8_t proto)
{
    uint32_t i = um_node_pin(n, pin, proto);

    return um_likely(n->conn[i] != NULL) ? n->conn[i]
                                         : um_node_connection(n, i);
}

#endif /* UM_NODE_H */
