/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/um_crc64.h"
#include "core/um_log.h"
#include "core/um_str.h"
#include "proxy/um_backend.h"
#include "proxy/um_gate.h"
#include "proxy/um_learn.h"
#include "proxy/um_private.h"

#define NODES_BUCKETS 1024

#define SECOND 1000000000ull

/* Local nodes that are connected to before anybody asks. */
#define NODES_EAGER 64

struct um_nodes_s {
    um_worker_t *w;
    um_list_t all;
    um_list_t busy;
    um_list_t asleep; /* wait for something that may never come */
    uint64_t asleep_ns;
    um_node_t *bucket[NODES_BUCKETS];
    uint16_t row_free[UM_ROW_CONNS];
    uint32_t row_free_count;
};

um_nodes_t *
um_nodes_new(um_worker_t *w)
{
    um_nodes_t *nodes = calloc(1, sizeof(*nodes));

    if (nodes == NULL) {
        return NULL;
    }

    nodes->w = w;
    um_list_init(&nodes->all);
    um_list_init(&nodes->busy);
    um_list_init(&nodes->asleep);
    nodes->row_free_count = UM_ROW_CONNS;
    for (uint32_t i = 0; i < UM_ROW_CONNS; i++) {
        nodes->row_free[i] = (uint16_t) (UM_ROW_CONNS - 1 - i);
    }

    return nodes;
}

um_list_t *
um_nodes_busy(um_nodes_t *nodes)
{
    return &nodes->busy;
}

static um_node_t *
node_find(um_nodes_t *nodes, um_str_t text, bool is_peer, uint64_t hash)
{
    um_node_t *n = nodes->bucket[hash % NODES_BUCKETS];

    for (; n != NULL; n = n->hnext) {
        if (n->addr_hash == hash && n->is_peer == is_peer
            && um_str_eq(um_str_of(n->addr.text), text))
        {
            return n;
        }
    }

    return NULL;
}

static um_node_t *
node_new(um_nodes_t *nodes, um_str_t text, bool is_peer, uint64_t hash)
{
    um_node_t *n = calloc(1, sizeof(*n));
    const char *wrong;

    if (n == NULL) {
        return NULL;
    }

    wrong = um_addr_parse(&n->addr, text);
    if (wrong != NULL) {
        um_log_error(0, "%s %.*s: address %s", is_peer ? "peer" : "backend",
            um_str_fmt(text), wrong);
        free(n);
        return NULL;
    }

    n->w = nodes->w;
    n->is_peer = is_peer;
    n->addr_hash = hash;
    n->times = um_times_node_enter(nodes->w->times, n->addr.text);
    um_list_init(&n->idle[0]);
    um_list_init(&n->idle[1]);
    um_list_init(&n->queue[0]);
    um_list_init(&n->queue[1]);
    um_list_init(&n->old);
    um_list_add_tail(&nodes->all, &n->link);
    n->hnext = nodes->bucket[hash % NODES_BUCKETS];
    nodes->bucket[hash % NODES_BUCKETS] = n;
    return n;
}

static void
node_free(um_nodes_t *nodes, um_node_t *n)
{
    um_node_t **p = &nodes->bucket[n->addr_hash % NODES_BUCKETS];

    while (*p != n) {
        p = &(*p)->hnext;
    }
    *p = n->hnext;
    um_list_del(&n->link);

    for (int i = 0; i < UM_NODE_LINKS; i++) {
        if (n->conn[i] != NULL) {
            um_backend_free(n->conn[i]);
        }
    }

    um_private_close_idle(n, UINT64_MAX);
    um_old_free_all(n);
    um_times_node_leave(nodes->w->times, n->times);
    free(n);
}

/* Private connections that wait for an answer are on no list of their node. */
static void
nodes_free_private(um_nodes_t *nodes)
{
    um_list_t todo;

    um_list_init(&todo);
    um_list_join(&todo, &nodes->busy);
    um_list_join(&todo, &nodes->asleep);
    while (!um_list_is_empty(&todo)) {
        um_backend_t *b = um_list_entry(todo.next, um_backend_t, busy_link);

        um_list_del(&b->busy_link);
        if (b->kind == UM_BACKEND_PRIVATE) {
            um_backend_free(b);
        }
    }
}

void
um_nodes_free(um_nodes_t *nodes)
{
    nodes_free_private(nodes);
    um_list_each_safe(l, &nodes->all)
    {
        node_free(nodes, um_list_entry(l, um_node_t, link));
    }
    free(nodes);
}

um_node_t *
um_nodes_make(um_nodes_t *nodes, uint32_t i)
{
    const um_topo_t *t = nodes->w->topo;
    um_str_t text = um_topo_str(t, t->addr[i].name);
    uint64_t hash = um_crc64(text);
    bool is_peer = i >= t->local_count;
    um_node_t *n = node_find(nodes, text, is_peer, hash);

    if (n == NULL) {
        n = node_new(nodes, text, is_peer, hash);
    }
    if (n != NULL) {
        n->in_view = true;
        nodes->w->node_at[i] = n;
        um_gate_node(n);
    }

    return n;
}

void
um_nodes_apply(um_nodes_t *nodes)
{
    const um_topo_t *t = nodes->w->topo;

    memset(nodes->w->node_at, 0, sizeof(nodes->w->node_at));

    um_list_each(l, &nodes->all)
    {
        um_list_entry(l, um_node_t, link)->in_view = false;
    }

    for (uint32_t i = 0; i < t->addr_count; i++) {
        um_str_t text = um_topo_str(t, t->addr[i].name);
        bool is_peer = i >= t->local_count;

        um_node_t *n = node_find(nodes, text, is_peer, um_crc64(text));

        nodes->w->node_at[i] = n;
        if (n != NULL) {
            n->in_view = true;
        }
    }

    for (uint32_t i = 0; i < um_min(t->local_count, NODES_EAGER); i++) {
        um_node_t *n = um_nodes_at(nodes->w, i);

        for (uint32_t k = 0; n != NULL && k < nodes->w->conf->backend_conn_num;
             k++) {
            um_backend_t *b = um_node_pinned(n, k, 2);

            if (b != NULL) {
                um_backend_open(b);
            }
        }
    }
}

um_backend_t *
um_node_connection(um_node_t *n, uint32_t i)
{
    if (n->conn[i] == NULL) {
        n->conn[i] = um_backend_new(
            n->w, n, UM_BACKEND_SHARED, i < UM_NODE_CONNS ? 2 : 3);
    }

    return n->conn[i];
}

um_backend_t *
um_node_peer(um_node_t *n, uint8_t hops, uint8_t proto)
{
    uint32_t i = um_min(hops, UM_NODE_HOPS - 1);

    return um_node_connection(n, i + (proto - 2u) * UM_NODE_CONNS);
}

void
um_nodes_leave(um_nodes_t *nodes, uint64_t pin, uint8_t proto)
{
    um_list_each(l, &nodes->all)
    {
        um_node_t *n = um_list_entry(l, um_node_t, link);
        um_backend_t *b = n->conn[um_node_pin(n, pin, proto)];

        if (b != NULL && !n->is_peer && um_backend_has_expired(b)) {
            um_backend_fail(b, 0, "left with commands unanswered");
        }
    }
}

/* The lowest version of all local nodes is what INFO tells. */
static void
node_note_version(um_nodes_t *nodes)
{
    uint32_t lowest = 0;

    um_list_each(l, &nodes->all)
    {
        const um_node_t *n = um_list_entry(l, um_node_t, link);

        if (!n->is_peer && n->in_view && n->version != 0
            && (lowest == 0 || n->version < lowest))
        {
            lowest = n->version;
        }
    }

    if (lowest != 0) {
        atomic_store_explicit(&nodes->w->shm->settings->redis_version, lowest,
            memory_order_relaxed);
    }
}

void
um_node_learn(
    um_node_t *n, const char *run_id, uint32_t version, bool is_cluster)
{
    if (memcmp(n->run_id, run_id, UM_RUN_ID) != 0) {
        um_learn_again(n->w->learn);
    }

    memcpy(n->run_id, run_id, UM_RUN_ID);
    um_gate_node(n);
    n->version = version;
    n->is_cluster = is_cluster;
    node_note_version(n->w->nodes);
}

static bool
node_is_quiet(const um_node_t *n)
{
    for (int i = 0; i < UM_NODE_LINKS; i++) {
        if (n->conn[i] != NULL && !um_backend_is_quiet(n->conn[i])) {
            return false;
        }
    }

    return n->private_count == n->idle_count && um_list_is_empty(&n->old);
}

void
um_nodes_each_ready(um_nodes_t *nodes,
    uint32_t (*visit)(um_backend_t *b, void (*answered)(um_backend_t *b)))
{
    um_list_each(l, &nodes->all)
    {
        um_node_t *n = um_list_entry(l, um_node_t, link);

        for (int i = 0; i < UM_NODE_LINKS && !n->is_peer; i++) {
            um_backend_t *b = i == 0 ? um_node_connection(n, 0) : n->conn[i];

            if (b != NULL && b->state == UM_BACKEND_READY) {
                (void) visit(b, NULL);
            } else if (b != NULL && n->in_view) {
                um_backend_open(b);
            }
        }
    }
}

void
um_nodes_each_local(um_nodes_t *nodes, void (*visit)(um_node_t *n))
{
    um_list_each(l, &nodes->all)
    {
        um_node_t *n = um_list_entry(l, um_node_t, link);

        if (!n->is_peer) {
            visit(n);
        }
    }
}

bool
um_nodes_spare_one(um_nodes_t *nodes)
{
    um_list_each(l, &nodes->all)
    {
        if (um_private_spare_one(um_list_entry(l, um_node_t, link))) {
            return true;
        }
    }

    return false;
}

bool
um_nodes_quiet(const um_nodes_t *nodes)
{
    um_list_each(l, &nodes->all)
    {
        if (!node_is_quiet(um_list_entry(l, um_node_t, link))) {
            return false;
        }
    }

    return true;
}

static void
node_sum(const um_node_t *n, uint64_t gauge[UM_GAUGE_MAX])
{
    um_gauge_t kind = n->is_peer ? UM_GAUGE_CONNS_PEER : UM_GAUGE_CONNS_SHARED;
    bool down = false;

    for (int i = 0; i < UM_NODE_LINKS; i++) {
        const um_backend_t *b = n->conn[i];

        if (b != NULL) {
            gauge[kind] += b->state == UM_BACKEND_READY;
            gauge[UM_GAUGE_BACKEND_QUEUE] += b->out.len + b->wait_bytes;
            down |= um_backend_is_down(b);
        }
    }

    gauge[UM_GAUGE_LOCAL_NODES_DOWN] += down && n->in_view && !n->is_peer;
    gauge[UM_GAUGE_CONNS_PRIVATE] += n->private_count;

    um_list_each(l, &n->old)
    {
        gauge[UM_GAUGE_CONNS_OLD]++;
    }
}

void
um_nodes_sum(const um_nodes_t *nodes, uint64_t gauge[UM_GAUGE_MAX])
{
    um_list_each(l, &nodes->all)
    {
        node_sum(um_list_entry(l, um_node_t, link), gauge);
    }
}

/* Private ones that are at work. */
static void
nodes_each_private(const um_list_t *list,
    void (*visit)(const um_backend_t *b, void *data), void *data)
{
    um_list_each(l, list)
    {
        um_backend_t *b = um_list_entry(l, um_backend_t, busy_link);

        if (b->kind == UM_BACKEND_PRIVATE) {
            visit(b, data);
        }
    }
}

void
um_nodes_each(const um_nodes_t *nodes,
    void (*visit)(const um_backend_t *b, void *data), void *data)
{
    um_list_each(l, &nodes->all)
    {
        um_node_t *n = um_list_entry(l, um_node_t, link);

        for (int i = 0; i < UM_NODE_LINKS; i++) {
            if (n->conn[i] != NULL) {
                visit(n->conn[i], data);
            }
        }

        for (int i = 0; i < 2; i++) {
            um_list_each(k, &n->idle[i])
            {
                um_backend_t *b = um_list_entry(k, um_backend_t, link);

                if (um_list_is_empty(&b->busy_link)) {
                    visit(b, data);
                }
            }
        }
    }

    nodes_each_private(&nodes->busy, visit, data);
    nodes_each_private(&nodes->asleep, visit, data);
}

/* A tick may free this backend and others: take them one by one. */
static void
nodes_tick_each(um_list_t *list, uint64_t now)
{
    um_list_t todo;

    um_list_init(&todo);
    um_list_join(&todo, list);
    while (!um_list_is_empty(&todo)) {
        um_list_t *l = todo.next;

        um_list_del(l);
        um_list_add_tail(list, l);
        um_backend_tick(um_list_entry(l, um_backend_t, busy_link), now);
    }
}

void
um_nodes_sleep(um_nodes_t *nodes, um_backend_t *b)
{
    um_list_del(&b->busy_link);
    um_list_add_tail(&nodes->asleep, &b->busy_link);
}

/* Those that wait there send nothing by which its death would show. */
static void
node_ask_for_sign(um_node_t *n, uint64_t now)
{
    static const um_str_t ping[] = { { "PING", 4 } };
    um_backend_t *b = um_node_connection(n, 0);

    if (b == NULL || now - n->asked_ns < SECOND) {
        return;
    }

    n->asked_ns = now;
    if (b->state != UM_BACKEND_READY) {
        um_backend_open(b);
    } else if (um_backend_is_quiet(b)
               && um_backend_internal(b, ping, 1, NULL, NULL) != UM_OK)
    {
        um_backend_fail(b, ENOMEM, "cannot be asked");
    }
}

void
um_nodes_tick(um_nodes_t *nodes)
{
    uint64_t now = um_worker_now(nodes->w);

    nodes_tick_each(&nodes->busy, now);
    if (now - nodes->asleep_ns >= SECOND) {
        nodes->asleep_ns = now;
        nodes_tick_each(&nodes->asleep, now);
    }

    um_list_each_safe(l, &nodes->all)
    {
        um_node_t *n = um_list_entry(l, um_node_t, link);

        um_old_tick(n, now);
        um_private_close_idle(n, now);
        if (n->blocked > 0 && !n->is_peer) {
            node_ask_for_sign(n, now);
        }
        if (!n->in_view && node_is_quiet(n)) {
            um_log_info(0, "backend %s: has left the topology", n->addr.text);
            node_free(nodes, n);
        }
    }
}

int32_t
um_nodes_row_add(
    um_nodes_t *nodes, const um_node_t *n, uint64_t id, const char *run_id)
{
    um_row_conn_t *c;
    uint16_t slot;

    if (id == 0 || nodes->row_free_count == 0) {
        return -1;
    }

    slot = nodes->row_free[--nodes->row_free_count];
    c = &nodes->w->row->conn[slot];
    if (slot
        >= atomic_load_explicit(&nodes->w->row->conns, memory_order_relaxed)) {
        c->id = 0;
        atomic_store_explicit(
            &nodes->w->row->conns, slot + 1u, memory_order_release);
    }
    c->addr_hash = n->addr_hash;
    memcpy(c->run_id, run_id, UM_RUN_ID);
    atomic_store_explicit(&c->id, id, memory_order_release);
    return slot;
}

void
um_nodes_row_del(um_nodes_t *nodes, int32_t slot)
{
    if (slot >= 0 && !nodes->w->row_frozen) {
        atomic_store_explicit(
            &nodes->w->row->conn[slot].id, 0, memory_order_release);
        nodes->row_free[nodes->row_free_count++] = (uint16_t) slot;
    }
}
