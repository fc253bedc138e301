/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_gate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/um_log.h"
#include "core/um_str.h"
#include "proxy/um_backend.h"

#define MSEC 1000000ull

struct um_gate_s {
    um_repl_t wanted;
    um_repl_board_t found;
    uint64_t wanted_gen;
    uint64_t found_gen;
    uint32_t closed; /* local nodes of the topology */
};

const char *
um_gate_rule(const um_repl_node_t *wanted, const um_repl_found_t *found,
    const char *run_id)
{
    if (wanted == NULL) {
        return NULL;
    }

    if (wanted->role != UM_REPL_MASTER) {
        return "is a replica";
    }

    if (wanted->cluster[0] == '\0') {
        return "is in no cluster";
    }

    if (found == NULL || !found->confirmed) {
        return "is not confirmed as a master yet";
    }

    if (run_id[0] != '\0'
        && memcmp(run_id, found->run_id, sizeof(found->run_id)) != 0)
    {
        return "has been restarted and is not confirmed again yet";
    }

    return NULL;
}

static const um_repl_found_t *
gate_find(const um_repl_board_t *b, const char *node)
{
    for (uint32_t i = 0; i < b->count; i++) {
        if (strcmp(b->node[i].node, node) == 0) {
            return &b->node[i];
        }
    }

    return NULL;
}

um_gate_t *
um_gate_new(um_worker_t *w UM_UNUSED)
{
    um_gate_t *g = calloc(1, sizeof(*g));

    if (g == NULL) {
        um_log_error(ENOMEM, "replication");
    }

    return g;
}

void
um_gate_free(um_gate_t *g)
{
    free(g);
}

const um_repl_t *
um_gate_wanted(const um_gate_t *g)
{
    return &g->wanted;
}

const um_repl_board_t *
um_gate_found(const um_gate_t *g)
{
    return &g->found;
}

/* Clients that wait for a node are routed anew. */
static void
gate_wake(um_node_t *n)
{
    for (int i = 0; i < UM_NODE_LINKS; i++) {
        if (n->conn[i] != NULL) {
            um_backend_wake(n->conn[i]);
        }
    }
}

static const char *
gate_judge(const um_gate_t *g, const um_node_t *n)
{
    return um_gate_rule(um_repl_find(&g->wanted, um_str_of(n->addr.text)),
        gate_find(&g->found, n->addr.text), n->run_id);
}

/* How many of those that are in use are closed. */
static void
gate_count(um_worker_t *w)
{
    w->gate->closed = 0;
    for (uint32_t i = 0; i < w->topo->local_count; i++) {
        w->gate->closed +=
            w->node_at[i] != NULL && w->node_at[i]->closed != NULL;
    }
}

void
um_gate_node(um_node_t *n)
{
    const char *closed = n->is_peer ? NULL : gate_judge(n->w->gate, n);
    const char *was = n->closed;

    if (closed == was) {
        return;
    }

    n->closed = closed;
    if (was == NULL) {
        n->closed_ns = um_worker_now(n->w);
        n->closed_long = false;
    }
    if (closed == NULL || was == NULL) {
        um_log_info(0, "backend %s: %s", n->addr.text,
            closed == NULL ? "may be sent to" : closed);
    }
    gate_count(n->w);
    gate_wake(n);
}

/* Nodes that nobody has used yet are judged when they are made. */
static void
gate_judge_all(um_worker_t *w)
{
    for (uint32_t i = 0; i < w->topo->local_count; i++) {
        if (w->node_at[i] != NULL) {
            um_gate_node(w->node_at[i]);
        }
    }
}

void
um_gate_apply(um_worker_t *w)
{
    if (w->gate->wanted_gen == 0) {
        return;
    }

    gate_judge_all(w);
    gate_count(w);
    um_nodes_each_closed(w->nodes, gate_wake); /* slots may be elsewhere now */
}

void
um_gate_check(um_worker_t *w)
{
    um_gate_t *g = w->gate;
    const um_repl_sh_t *sh = w->shm->repl;
    bool news = false;

    if (um_likely(
            atomic_load_explicit(&sh->gen, memory_order_relaxed)
                == g->wanted_gen
            && atomic_load_explicit(&sh->found_gen, memory_order_relaxed)
                   == g->found_gen))
    {
        return;
    }

    /* UM_AGAIN: overtaken; the next turn sees what it is. */
    news |= um_repl_refresh(sh, &g->wanted, &g->wanted_gen) == UM_OK;
    news |= um_repl_refresh_found(sh, &g->found, &g->found_gen) == UM_OK;
    if (news) {
        gate_judge_all(w);
    }
}

bool
um_gate_may_wait(const um_node_t *n)
{
    return um_worker_now(n->w) - n->closed_ns
           < n->w->conf->backend_timeout * MSEC;
}

void
um_gate_tick(um_worker_t *w)
{
    if (um_likely(w->gate->closed == 0)) {
        return;
    }

    for (uint32_t i = 0; i < w->topo->local_count; i++) {
        um_node_t *n = w->node_at[i];

        if (n != NULL && n->closed != NULL && !n->closed_long
            && !um_gate_may_wait(n))
        {
            n->closed_long = true;
            gate_wake(n);
        }
    }
}

um_node_t *
um_gate_closed_node(um_worker_t *w)
{
    for (uint32_t i = 0; w->gate->closed > 0 && i < w->topo->local_count; i++) {
        um_node_t *n = w->node_at[i];

        if (n != NULL && n->closed != NULL) {
            return n;
        }
    }

    return NULL;
}
