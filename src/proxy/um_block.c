/*
 * Life of a blocking command: queued, sent, answered, issued again.  Calling
 * it off is um_block_off.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "proxy/um_block.h"

#include <stdlib.h>
#include <string.h>

#include "core/um_log.h"
#include "core/um_str.h"
#include "proxy/um_backend.h"
#include "proxy/um_block_priv.h"
#include "proxy/um_dispatch.h"
#include "proxy/um_gens.h"
#include "proxy/um_private.h"
#include "resp/um_put.h"

#define MSEC 1000000ull

void
um_block_mark(um_client_t *c, bool on)
{
    um_worker_t *w = c->w;

    if (c->blocked == on) {
        return;
    }

    c->blocked = on;
    w->blocked += on ? 1u : -1u;
    atomic_store_explicit(&w->row->blocked, w->blocked, memory_order_relaxed);
}

void
um_block_unref(um_blocking_t *k)
{
    if (--k->refs == 0) {
        k->w->in_memory -= k->words.cap;
        um_sbuf_deinit(&k->words);
        free(k);
    }
}

void
um_block_dequeue(um_blocking_t *k)
{
    um_list_del(&k->queue_link);
    k->node->queued[k->proto - 2]--;
}

/* The words as bulks, with the place of the timeout's. */
static um_rc_t
block_words(um_blocking_t *k, const um_str_t *argv, uint32_t argc)
{
    for (uint32_t i = 0; i < argc; i++) {
        size_t before = k->words.len;

        um_put_bulk(&k->words, argv[i]);
        if (k->has_time && i == k->time.pos) {
            k->time_off = before;
            k->time_len = k->words.len - before;
        }
    }

    k->argc = argc;
    k->w->in_memory += k->words.cap;
    return k->words.failed ? UM_ERR : UM_OK;
}

/* NULL: out of memory. */
static um_blocking_t *
block_new(um_req_t *r, const um_str_t *argv, uint32_t argc)
{
    um_blocking_t *k = calloc(1, sizeof(*k));
    uint64_t now = um_worker_now(r->w);

    if (k == NULL) {
        return NULL;
    }

    k->w = r->w;
    k->r = r;
    k->refs = 1;
    k->state = UM_BLOCK_OVER;
    k->proto = r->client->st.proto;
    k->is_wait = r->cmd->self == UM_SELF_WAIT;
    um_list_init(&k->link);
    um_list_init(&k->queue_link);

    /* What Redis refuses has the time of any other command. */
    k->has_time = um_cmd_block_timeout(r->cmd, argv, argc, &k->time) == UM_OK;
    k->until_ns = !k->has_time                        ? now
                  : k->time.forever                   ? UINT64_MAX
                  : k->time.ns > UINT64_MAX / 2 - now ? UINT64_MAX
                                                      : now + k->time.ns;
    if (block_words(k, argv, argc) != UM_OK) {
        um_block_unref(k);
        return NULL;
    }

    return k;
}

uint64_t
um_block_deadline(const um_req_t *r)
{
    const um_blocking_t *k = r->data;
    uint64_t limit = k->w->conf->backend_timeout * MSEC;

    if (k->off != UM_BLOCK_NOT_OFF) {
        return k->off_ns + limit;
    }

    /* A peer has a Redis of its own to wait for. */
    return k->until_ns == UINT64_MAX ? UINT64_MAX
           : k->node->is_peer        ? k->until_ns + 10 * limit
                                     : k->until_ns + limit;
}

/* The command itself, over k->b. */
static void
block_send_now(um_blocking_t *k)
{
    um_backend_t *b = k->b;
    char head[UM_DISPATCH_HEAD];
    um_str_t start;

    k->state = UM_BLOCK_BLOCKED;
    k->node->blocked++;

    /* A peer's WAIT is about all of its nodes: no forwarded command. */
    if (k->is_wait) {
        size_t n = 0;

        head[n++] = '*';
        n += um_u64_format(k->argc, head + n);
        head[n++] = '\r';
        head[n++] = '\n';
        start = (um_str_t){ head, n };
    } else {
        start = um_dispatch_head(k->verdict, k->argc, false, head);
    }

    /* Out of memory it is answered at once, and `k` may be gone. */
    k->refs++;
    um_backend_send(b, k->r, start, (um_str_t){ k->words.data, k->words.len });
    if (k->r != NULL && k->r->in_backend) {
        um_nodes_sleep(k->w->nodes, b);
    } else if (k->state == UM_BLOCK_BLOCKED) {
        k->state = UM_BLOCK_OVER;
        k->node->blocked--;
        um_list_del(&k->link);
    }
    um_block_unref(k);
}

/*
 * Redis compares WAIT with the offset that its connection has caused, and a
 * fresh one has caused none: something that moves it first (design.md 2.5).
 */
static void
block_on_prelude(um_req_t *p, um_rc_t rc)
{
    um_blocking_t *k = p->data;
    char text[128];
    size_t n = um_min(p->reply.len, sizeof(text) - 1);

    um_chain_peek(&p->reply, text, n);
    text[n] = '\0';

    if (k->r == NULL || k->state != UM_BLOCK_PRELUDE) {
        um_block_unref(k);
        return;
    }

    if (rc == UM_OK && text[0] == ':') {
        block_send_now(k);
    } else {
        k->state = UM_BLOCK_OVER;
        um_list_del(&k->link);
        um_req_fail(k->r,
            rc == UM_OK ? "ERR %s: '%s' is not possible there: %.*s"
                        : "ERR_BACKEND_CONNECTION: %s: connection lost, the "
                          "command '%s' was not sent%.*s",
            k->node->addr.text, k->r->cmd->name,
            rc == UM_OK ? (int) strcspn(text, "\r\n") : 0, text);
    }

    um_block_unref(k);
}

/* `b` is ready, and nothing else is under way on it. */
static void
block_send(um_blocking_t *k, um_backend_t *b)
{
    static const um_str_t publish[] = { { "PUBLISH", 7 }, { "__um:wait", 9 },
        { "", 0 } };

    k->b = b;
    if (!k->is_wait || k->node->is_peer) {
        block_send_now(k);
        return;
    }

    k->state = UM_BLOCK_PRELUDE;
    k->refs++;
    if (um_backend_internal(
            b, publish, um_countof(publish), block_on_prelude, k)
        != UM_OK)
    {
        k->state = UM_BLOCK_OVER;
        um_list_del(&k->link);
        um_req_fail(k->r, "ERR out of memory");
        um_block_unref(k);
    }
}

static um_blocking_t *
queue_first(const um_list_t *queue)
{
    return um_list_entry(queue->next, um_blocking_t, queue_link);
}

bool
um_block_serve(um_backend_t *b)
{
    uint8_t i = (uint8_t) (b->proto - 2);
    um_node_t *n = b->node;

    if (b->awaited) {
        b->awaited = false;
        n->coming[i]--;
    }

    while (um_backend_is_quiet(b) && !um_list_is_empty(&n->queue[i])) {
        um_blocking_t *k = queue_first(&n->queue[i]);

        um_block_dequeue(k);
        block_send(k, b);
    }

    return !um_backend_is_quiet(b);
}

void
um_block_unserved(um_backend_t *b)
{
    uint8_t i = (uint8_t) (b->proto - 2);
    um_node_t *n = b->node;

    if (!b->awaited) {
        return;
    }

    b->awaited = false;
    n->coming[i]--;
    while (n->queued[i] > n->coming[i]) {
        um_blocking_t *k = queue_first(&n->queue[i]);

        um_block_dequeue(k);
        k->state = UM_BLOCK_OVER;
        um_list_del(&k->link);
        um_stat_add(n->w->row, UM_STAT_COMMANDS_UNSENT, 1);
        um_req_fail(k->r,
            "ERR_BACKEND_CONNECTION: %s: no connection to be had, the command "
            "was not sent",
            n->addr.text);
    }
}

um_backend_t *
um_block_shared(const um_blocking_t *k)
{
    const um_client_t *c = k->r->client;

    return k->verdict.go == UM_GO_PEER
               ? um_node_peer(k->node, k->verdict.hops, c->st.proto)
               : um_node_pinned(k->node, c->st.id, c->st.proto);
}

/* Have commands been answered by an error that `b`, or a connection given up
 * before it, may still bring to execution?  They would come behind what goes
 * over a connection of its own. */
static bool
block_is_haunted(const um_backend_t *b)
{
    return um_backend_has_expired(b) || !um_list_is_empty(&b->node->old);
}

/* Why it cannot be sent there; NULL: it can. */
static const char *
block_obstacle(const um_blocking_t *k)
{
    const um_backend_t *shared = um_block_shared(k);

    if (shared == NULL) {
        return "out of memory";
    }
    if (um_backend_is_down(shared)) {
        return "not connected";
    }

    return NULL;
}

/* Keep it until no old bytes can come behind it any more; a while. */
static void
block_hold(um_blocking_t *k)
{
    uint64_t now = um_worker_now(k->w);

    k->held_ns = k->held_ns == 0 ? now : k->held_ns;
    if (now - k->held_ns > k->w->conf->backend_timeout * MSEC) {
        um_stat_add(k->w->row, UM_STAT_COMMANDS_UNSENT, 1);
        um_req_fail(k->r,
            "ERR_BACKEND_TIMEOUT: %s: an earlier command without an answer may "
            "still be executed, this one was not sent",
            k->node->addr.text);
        return;
    }

    k->state = UM_BLOCK_HELD;
    um_list_add_tail(&k->w->blocks_held, &k->link);
}

/* Some are left to big requests, which do not keep theirs for long. */
static bool
block_is_full(const um_worker_t *w)
{
    uint32_t all = w->fds.private_connections;
    uint32_t spare = um_min(all / 2, um_max(all / 16, 2u));

    return w->blocked > all - spare;
}

/* To the end of its node's queue, with one more connection to come. */
static void
block_enqueue(um_blocking_t *k, um_verdict_t v)
{
    um_req_t *r = k->r;
    um_worker_t *w = k->w;
    uint8_t i = (uint8_t) (k->proto - 2);
    const char *obstacle;
    um_backend_t *b;

    k->verdict = v;
    k->gen = w->gen;
    k->node = um_nodes_at(w, v.addr);
    obstacle = k->node == NULL ? "cannot be used" : block_obstacle(k);
    if (obstacle != NULL) {
        um_stat_add(w->row, UM_STAT_COMMANDS_UNSENT, 1);
        um_req_fail(r,
            "ERR_BACKEND_CONNECTION: %.*s: %s, the command was not sent",
            um_str_fmt(um_topo_str(w->topo, w->topo->addr[v.addr].name)),
            obstacle);
        return;
    }

    if (!k->node->is_peer && block_is_haunted(um_block_shared(k))) {
        block_hold(k);
        return;
    }

    b = block_is_full(w) ? NULL : um_private_get(k->node, k->proto);
    if (b == NULL) {
        um_req_fail(r, "ERR too many private connections (directive "
                       "private_connections), the command was not sent");
        return;
    }

    k->state = UM_BLOCK_QUEUED;
    um_list_add_tail(&w->blocks, &k->link);
    um_list_add_tail(&k->node->queue[i], &k->queue_link);
    k->node->queued[i]++;

    if (b->state == UM_BACKEND_READY) {
        um_private_put(b); /* the first of the queue has it now */
        return;
    }

    b->awaited = true;
    k->node->coming[i]++;
    um_backend_open(b);
}

void
um_block_start(um_req_t *r, um_verdict_t v, const um_str_t *argv, uint32_t argc)
{
    um_worker_t *w = r->w;
    um_blocking_t *k;

    if (um_worker_memory(w) > w->conf->buffer_memory) {
        um_req_fail(r, "ERR out of memory, the command was not sent");
        return;
    }

    k = block_new(r, argv, argc);
    if (k == NULL) {
        um_req_fail(r, "ERR out of memory");
        return;
    }

    r->data = k;
    r->hooks |= UM_HOOK_BLOCKED;
    um_stat_add(w->row, UM_STAT_COMMANDS_BLOCKING, 1);
    um_block_mark(r->client, true);
    block_enqueue(k, v);
}

/* The time that is left in place of the time there was. */
static um_rc_t
block_set_time(um_blocking_t *k)
{
    uint64_t now = um_worker_now(k->w);
    uint64_t left = k->until_ns > now ? k->until_ns - now : 1;
    size_t end = k->time_off + k->time_len;
    um_sbuf_t words = { 0 }, word = { 0 };
    um_rc_t rc;

    if (!k->has_time || k->until_ns == UINT64_MAX) {
        return UM_OK;
    }

    um_cmd_block_format(&k->time, left, &word);
    um_sbuf_add(&words, k->words.data, k->time_off);
    um_put_bulk(&words, (um_str_t){ word.data, word.len });
    k->time_len = words.len - k->time_off;
    um_sbuf_add(&words, k->words.data + end, k->words.len - end);
    rc = words.failed || word.failed ? UM_ERR : UM_OK;
    um_sbuf_deinit(&word);

    k->w->in_memory -= k->words.cap;
    um_sbuf_deinit(&k->words);
    k->words = words;
    k->w->in_memory += k->words.cap;
    return rc;
}

void
um_block_retry(um_blocking_t *k)
{
    um_list_del(&k->link);
    k->state = UM_BLOCK_OVER;
    if (!k->is_wait) {
        um_block_again(k);
    } else if (k->gen == k->w->gen) {
        block_enqueue(k, k->verdict);
    } else {
        um_req_fail(k->r, "TRYAGAIN the cluster has changed meanwhile");
    }
}

void
um_block_again(um_blocking_t *k)
{
    um_req_t *r = k->r;
    um_worker_t *w = k->w;
    um_verdict_t v = um_dispatch_route(w, r->slot, r->hops);

    k->off = UM_BLOCK_NOT_OFF;
    if (v.go != UM_GO_LOCAL && v.go != UM_GO_PEER) {
        um_dispatch_refuse(r, v, r->slot);
        return;
    }
    if (block_set_time(k) != UM_OK) {
        um_req_fail(r, "ERR out of memory");
        return;
    }

    um_req_uncount(r);
    r->gen_slot = um_gens_in(w->gens);
    r->counted = true;
    block_enqueue(k, v);
}
