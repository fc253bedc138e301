/*
 * um_wait.c -- WAIT and WAITAOF: how many replicas have what this connection
 * has written?  Asked of every node it has written to; the least is the
 * answer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "proxy/um_block.h"
#include "proxy/um_dispatch.h"
#include "proxy/um_gens.h"
#include "proxy/um_join.h"
#include "proxy/um_self.h"

/* So many nodes can be asked at once. */
#define WAIT_NODES 64

typedef struct {
    uint16_t addr[WAIT_NODES];
    uint32_t count;
    bool too_many;
} wait_nodes_t;

static void
wait_add(wait_nodes_t *n, uint32_t addr)
{
    if (n->count < WAIT_NODES) {
        n->addr[n->count++] = (uint16_t) addr;
    } else {
        n->too_many = true;
    }
}

/*
 * Those it has written to, as long as they are known; all it can have written
 * to otherwise.  Who has written nothing asks our own.
 */
static void
wait_nodes(const um_client_t *c, wait_nodes_t *n)
{
    const um_worker_t *w = c->w;
    const um_topo_t *t = w->topo;
    bool known = c->wrote_gen == w->gen && c->wrote_count <= UM_CLIENT_WROTE;
    uint32_t end = c->wrote_count > 0 && w->conf->active_redirection
                       ? t->addr_count
                       : t->local_count;

    n->count = 0;
    n->too_many = false;
    if (c->wrote_count > 0 && known) {
        for (uint32_t i = 0; i < c->wrote_count; i++) {
            wait_add(n, c->wrote[i]);
        }
        return;
    }

    for (uint32_t i = 0; i < end; i++) {
        wait_add(n, i);
    }
}

/* The part for one node, held by the join.  NULL: out of memory. */
static um_req_t *
wait_part(um_req_t *r, um_join_t *j, uint32_t i)
{
    um_req_t *part = um_req_new(r->w, UM_REQ_PART);

    if (part == NULL) {
        return NULL;
    }

    part->join = j;
    part->part = i;
    part->async = true;
    part->client = r->client;
    part->cmd = r->cmd;
    part->gen_slot = um_gens_in(r->w->gens);
    part->counted = true;
    j->part[i] = part;
    j->key_part[i] = i;
    return part;
}

static void
wait_start(
    um_req_t *r, const wait_nodes_t *n, const um_str_t *argv, uint32_t argc)
{
    um_join_t *j = um_join_new(r, UM_JOIN_MIN, n->count);
    um_client_t *c = r->client;
    um_worker_t *w = r->w;

    if (j == NULL) {
        um_req_error(r, "ERR out of memory");
        return;
    }

    for (uint32_t i = 0; i < n->count; i++) {
        if (wait_part(r, j, i) == NULL) {
            j->parts = i;
            um_join_abandon(j);
            um_req_error(r, "ERR out of memory");
            return;
        }
    }

    /* One more to wait for: some may be answered before all are sent. */
    r->join = j;
    j->parts = n->count;
    j->left = n->count + 1;
    for (uint32_t i = 0; i < n->count; i++) {
        um_verdict_t v = {
            .go = n->addr[i] < w->topo->local_count ? UM_GO_LOCAL : UM_GO_PEER,
            .addr = n->addr[i],
        };

        um_block_start(j->part[i], v, argv, argc);
        if (c->dead) {
            return;
        }
    }
    um_join_left(j);
}

void
um_self_wait(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    const um_topo_t *t = r->w->topo;
    wait_nodes_t n;

    if (!um_topo_has_cluster(t) || t->local_count == 0) {
        um_verdict_t v = { .go = UM_GO_DOWN };

        um_dispatch_refuse(r, v, 0);
        return;
    }

    wait_nodes(r->client, &n);
    if (n.too_many) {
        um_req_error(r,
            "ERR this connection may have written to more nodes than can be "
            "asked at once (%d)",
            WAIT_NODES);
        return;
    }

    wait_start(r, &n, argv, argc);
}
