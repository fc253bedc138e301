/*
 * Old bytes are dangerous: what a broken connection had sent may still wait
 * in Redis' socket and run later, over newer writes (design.md 2.8).  So each
 * such connection is remembered until its Redis has answered CLIENT KILL, or
 * has another run_id: then the bytes died with the process that held them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <stdlib.h>
#include <string.h>

#include "core/um_log.h"
#include "core/um_str.h"
#include "proxy/um_backend.h"
#include "proxy/um_gens.h"

/* So long one is kept whose node has left the topology and is silent. */
#define OLD_PATIENCE (60 * 1000000000ull)

/* One CLIENT KILL on its way. */
typedef struct {
    um_old_conn_t *old;
    um_backend_t *b;
    um_node_t *node;
    void (*answered)(um_backend_t *b);
} kill_t;

static void
old_free(um_node_t *n, um_old_conn_t *o)
{
    um_nodes_row_del(n->w->nodes, o->row_slot);
    if (o->counted) {
        um_gens_out(n->w->gens, o->gen_slot);
    }
    um_list_del(&o->link);
    free(o);
}

static void
old_on_killed(um_req_t *r, um_rc_t rc)
{
    kill_t *k = r->data;
    um_old_conn_t *o = k->old;
    kill_t copy = *k;

    free(k);
    o->asked--;

    /* Any answer will do: killed now, or gone before. */
    o->killed = o->killed || rc == UM_OK;
    if (o->killed && o->asked == 0) {
        old_free(copy.node, o);
    }

    if (copy.answered == NULL) {
        return;
    }
    if (rc == UM_OK) {
        copy.answered(copy.b);
    } else if (copy.b->state == UM_BACKEND_GREETING) {
        um_backend_fail(copy.b, 0, "does not answer");
    }
}

static um_rc_t
old_ask(um_backend_t *b, um_old_conn_t *o, void (*answered)(um_backend_t *b))
{
    char id[24];
    um_str_t by_id[] = { um_lit("CLIENT"), um_lit("KILL"), um_lit("ID"),
        { id, um_u64_format(o->id, id) } };
    um_str_t by_addr[] = { um_lit("CLIENT"), um_lit("KILL"),
        um_str_of(o->laddr) };
    kill_t *k = malloc(sizeof(*k));
    um_rc_t rc;

    if (k == NULL) {
        return UM_ERR;
    }

    *k = (kill_t){ .old = o, .b = b, .node = b->node, .answered = answered };
    rc = o->id != 0 ? um_backend_internal(b, by_id, 4, old_on_killed, k)
                    : um_backend_internal(b, by_addr, 3, old_on_killed, k);
    if (rc != UM_OK) {
        free(k);
        return UM_ERR;
    }

    o->asked++;
    return UM_OK;
}

uint32_t
um_old_kill(um_backend_t *b, void (*answered)(um_backend_t *b))
{
    um_node_t *n = b->node;
    uint32_t count = 0;

    um_list_each_safe(l, &n->old)
    {
        um_old_conn_t *o = um_list_entry(l, um_old_conn_t, link);

        if (memcmp(o->run_id, b->run_id, UM_RUN_ID) != 0) {
            if (o->asked == 0) {
                old_free(n, o);
            }
            continue;
        }

        if (!o->killed && old_ask(b, o, answered) == UM_OK) {
            count++;
        }
    }

    return count;
}

/* Other connections to the same node serve on: have it killed by them too,
 * before anything that clients send over them from now on. */
static void
old_ask_siblings(um_node_t *n, const um_backend_t *broken, um_old_conn_t *o)
{
    for (int i = 0; i < UM_NODE_LINKS; i++) {
        um_backend_t *b = n->conn[i];

        if (b != NULL && b != broken && b->state == UM_BACKEND_READY
            && memcmp(b->run_id, o->run_id, UM_RUN_ID) == 0)
        {
            (void) old_ask(b, o, NULL);
        }
    }
}

/* Migration must wait for what it may still do, as for a request. */
static void
old_count(um_old_conn_t *o, const um_backend_t *b)
{
    const um_req_t *r = b->fifo.head;

    while (r != NULL && !r->counted) {
        r = r->bnext;
    }
    if (r != NULL) {
        o->counted = true;
        o->gen_slot = r->gen_slot;
        b->w->gens->count[r->gen_slot]++;
    }
}

void
um_old_add(um_backend_t *b)
{
    um_old_conn_t *o = calloc(1, sizeof(*o));

    if (o == NULL) {
        /* The row still lists it; it is killed when this process ends. */
        um_log_error(0,
            "backend %s: out of memory, an old connection cannot "
            "be remembered",
            b->node->addr.text);
        return;
    }

    o->id = b->id;
    memcpy(o->run_id, b->run_id, UM_RUN_ID);
    memcpy(o->laddr, b->laddr, sizeof(o->laddr));
    o->row_slot = b->row_slot;
    o->since_ns = um_worker_now(b->w);
    old_count(o, b);
    um_list_add_tail(&b->node->old, &o->link);
    old_ask_siblings(b->node, b, o);
}

/* A CLIENT KILL that got no answer in time is asked for again. */
static void
old_ask_again(um_node_t *n)
{
    um_backend_t *first = um_node_connection(n, 0);

    if (first != NULL) {
        um_backend_open(first); /* its greeting asks */
    }

    um_list_each(l, &n->old)
    {
        um_old_conn_t *o = um_list_entry(l, um_old_conn_t, link);

        if (!o->killed && o->asked == 0) {
            old_ask_siblings(n, NULL, o);
        }
    }
}

void
um_old_tick(um_node_t *n, uint64_t now)
{
    const um_old_conn_t *o;

    if (um_likely(um_list_is_empty(&n->old))) {
        return;
    }

    old_ask_again(n);
    if (n->in_view || um_list_is_empty(&n->old)) {
        return;
    }

    o = um_list_entry(n->old.next, um_old_conn_t, link);
    if (o->asked == 0 && now - o->since_ns > OLD_PATIENCE) {
        um_log_warn(0,
            "backend %s: has left the topology and does not answer: an old "
            "connection is not killed",
            n->addr.text);
        old_free(n, um_list_entry(n->old.next, um_old_conn_t, link));
    }
}

void
um_old_free_all(um_node_t *n)
{
    um_list_each_safe(l, &n->old)
    {
        old_free(n, um_list_entry(l, um_old_conn_t, link));
    }
}
