/*
 * Calling off what waits: its client has left, its slot has, its Redis does
 * not answer, CLIENT UNBLOCK was asked for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <poll.h>
#include <string.h>

#include "core/um_log.h"
#include "core/um_str.h"
#include "proxy/um_backend.h"
#include "proxy/um_backend_priv.h"
#include "proxy/um_block_priv.h"
#include "proxy/um_dispatch.h"
#include "proxy/um_gens.h"
#include "proxy/um_join.h"
#include "resp/um_put.h"

/* CLIENT UNBLOCK came before what it was to unblock: again, ns later. */
#define OFF_AGAIN 5000000ull

#define SEC 1000000000ull

/* Redis 5 has CLIENT UNBLOCK. */
#define OFF_VERSION 0x050000u

static const char off_error[] = "UNBLOCKED client unblocked via CLIENT UNBLOCK";

/* A connection over which that Redis can be told; NULL: none is there. */
static um_backend_t *
off_via(const um_node_t *n)
{
    for (int i = 0; i < UM_NODE_LINKS; i++) {
        um_backend_t *b = n->conn[i];

        if (b != NULL && b->state == UM_BACKEND_READY) {
            return b;
        }
    }

    return NULL;
}

/* It has none yet, as a peer that only waits for us: one is coming. */
static bool
off_open(const um_blocking_t *k)
{
    um_backend_t *b = k->off == UM_BLOCK_OFF_LEFT ? NULL : um_block_shared(k);

    if (b == NULL || um_backend_is_down(b)) {
        return false;
    }

    um_backend_open(b);
    return true;
}

/* Where it cannot be unblocked the connection ends: Redis notices, or is made
 * to.  `k` may be gone. */
static void
off_by_force(um_blocking_t *k)
{
    um_backend_fail(k->b, 0, "a blocked command was called off");
}

static void off_ask(um_blocking_t *k);

static void
off_on_answer(um_req_t *q, um_rc_t rc)
{
    um_blocking_t *k = q->data;
    char text[4] = { 0 };

    um_chain_peek(&q->reply, text, um_min(q->reply.len, sizeof(text)));

    /* Or it has been issued again meanwhile, and this was about the old one. */
    k->asked--;
    if (k->r != NULL && k->state == UM_BLOCK_BLOCKED
        && k->off != UM_BLOCK_NOT_OFF) {
        if (rc != UM_OK || text[0] != ':') {
            off_by_force(k);
        } else if (text[1] == '0') {
            /* Answered meanwhile, or not yet there. */
            k->again_ns = um_worker_now(k->w) + OFF_AGAIN;
        }
    }

    um_block_unref(k);
}

static void
off_ask(um_blocking_t *k)
{
    um_backend_t *via = off_via(k->node);
    const um_backend_t *b = k->b;
    char id[24];
    um_str_t argv[] = { um_lit("CLIENT"), um_lit("UNBLOCK"),
        { id, um_u64_format(b->id, id) },
        k->off == UM_BLOCK_OFF_ASKED && !k->off_error ? um_lit("TIMEOUT")
                                                      : um_lit("ERROR") };

    k->again_ns = 0;
    if (via == NULL && off_open(k)) {
        k->again_ns = um_worker_now(k->w) + OFF_AGAIN;
        return;
    }
    if (via == NULL || b->id == 0
        || (k->node->is_peer ? k->off == UM_BLOCK_OFF_LEFT
                             : k->node->version < OFF_VERSION))
    {
        off_by_force(k);
        return;
    }

    k->refs++;
    k->asked++;
    if (um_backend_internal(via, argv, um_countof(argv), off_on_answer, k)
        != UM_OK) {
        k->refs--;
        k->asked--;
        off_by_force(k);
    }
}

void
um_block_call_off(um_blocking_t *k, um_block_off_t why)
{
    k->off = (uint8_t) why;
    k->off_ns = um_worker_now(k->w);
    k->r->deadline_ns = um_block_deadline(k->r);

    um_list_del(&k->b->busy_link);
    um_backend_mark_busy(k->b);
    um_list_del(&k->link);
    um_list_add_tail(&k->w->blocks_off, &k->link);
    off_ask(k);
}

/* ---- its client has left ------------------------------------------------ */

void
um_block_left(um_req_t *r)
{
    um_blocking_t *k = r->data;

    if (k->b->state != UM_BACKEND_READY) {
        return; /* it ends just now, and told `r` so */
    }
    if (k->off != UM_BLOCK_NOT_OFF) {
        k->off = UM_BLOCK_OFF_LEFT; /* it is on its way */
        return;
    }

    um_block_call_off(k, UM_BLOCK_OFF_LEFT);
}

/* Does such a reply mean that something was taken out? */
static bool
off_took(const um_req_t *r, const char *data, size_t len)
{
    static const char *const pops[] = { "blpop", "brpop", "blmpop", "bzpopmin",
        "bzpopmax", "bzmpop" };
    char head[3] = { 0 };
    size_t have = um_min(r->reply.len, sizeof(head));

    um_chain_peek(&r->reply, head, have);
    memcpy(head + have, data, um_min(len, sizeof(head) - have));
    if (head[0] == '-' || head[0] == '_' || head[1] == '-') {
        return false;
    }

    for (size_t i = 0; i < um_countof(pops); i++) {
        if (strcmp(r->cmd->name, pops[i]) == 0) {
            return true;
        }
    }

    return false;
}

/* ---- its end ------------------------------------------------------------ */

void
um_block_over(um_req_t *r)
{
    um_blocking_t *k = r->data;

    if (k->state == UM_BLOCK_BLOCKED) {
        k->state = UM_BLOCK_OVER;
        k->node->blocked--;
        um_list_del(&k->link);
    }
    k->b = NULL;
}

void
um_block_free(um_req_t *r)
{
    um_blocking_t *k = r->data;

    if (k->state == UM_BLOCK_QUEUED) {
        um_block_dequeue(k);
    }

    um_list_del(&k->link);
    k->r = NULL;
    r->hooks &= (uint8_t) ~UM_HOOK_BLOCKED;
    um_block_unref(k);
}

/* Redis had nothing for it, and was told to let it go. */
static bool
off_let_go(const um_req_t *r, const char *data, size_t len)
{
    static const char text[] = "-UNBLOCKED";
    char head[sizeof(text) - 1] = { 0 };
    size_t have = um_min(r->reply.len, sizeof(head));

    um_chain_peek(&r->reply, head, have);
    memcpy(head + have, data, um_min(len, sizeof(head) - have));
    return memcmp(head, text, sizeof(head)) == 0;
}

bool
um_block_answered(um_req_t *r, const char *data, size_t len)
{
    um_blocking_t *k = r->data;
    um_worker_t *w = r->w;

    /* A CLIENT UNBLOCK that comes too late must not hit the next command. */
    k->b->spoilt |= k->asked > 0 && !off_let_go(r, data, len);
    um_block_over(r);

    if (r->client == NULL) {
        if (off_took(r, data, len)) {
            um_stat_add(w->row, UM_STAT_BLOCKED_LOST, 1);
            um_log_warn(0,
                "backend %s: %s took out an element for a client that had "
                "just left: it is lost",
                k->node->addr.text, r->cmd->name);
        }
        return false;
    }

    if (k->off != UM_BLOCK_OFF_SLOT || r->expired || !off_let_go(r, data, len))
    {
        return false;
    }

    if (r->reply.head != NULL) {
        r->client->held -= r->reply.len;
        um_chain_free(&r->reply, &w->chunks);
    }
    um_block_again(k);
    return true;
}

/* ---- CLIENT UNBLOCK ----------------------------------------------------- */

static void
off_asked(um_blocking_t *k, bool with_error)
{
    um_req_t *r = k->r;

    if (k->state == UM_BLOCK_BLOCKED) {
        k->off_error = with_error;
        if (k->off == UM_BLOCK_NOT_OFF) {
            um_block_call_off(k, UM_BLOCK_OFF_ASKED);
        } else {
            k->off = UM_BLOCK_OFF_ASKED;
        }
        return;
    }

    /* Redis has not seen it yet. */
    if (k->state == UM_BLOCK_QUEUED) {
        um_block_dequeue(k);
    }
    k->state = UM_BLOCK_OVER;
    um_list_del(&k->link);
    if (with_error) {
        um_req_fail(r, "%s", off_error);
    } else {
        um_sbuf_t text = { 0 };

        um_cmd_block_expired(r->cmd, r->client->st.proto, &text);
        if (text.failed) {
            um_req_fail(r, "ERR out of memory");
        } else {
            um_req_reply(r, text.data, text.len, true);
        }
        um_sbuf_deinit(&text);
    }
}

bool
um_block_unblock(um_client_t *c, bool with_error)
{
    um_req_t *r = c->barrier;
    um_join_t *j;

    if (!c->blocked || r == NULL) {
        return false;
    }
    if (r->hooks & UM_HOOK_BLOCKED) {
        off_asked(r->data, with_error);
        return true;
    }

    /* WAIT: all of its parts.  The last to be answered ends the join. */
    j = r->join;
    if (j == NULL) {
        return false;
    }

    j->left++;
    for (uint32_t i = 0; i < j->parts; i++) {
        um_req_t *p = j->part[i];

        if (p->hooks & UM_HOOK_BLOCKED
            && ((um_blocking_t *) p->data)->state != UM_BLOCK_OVER)
        {
            off_asked(p->data, with_error);
            if (c->dead) {
                return true; /* and the join with it */
            }
        }
    }
    um_join_left(j);
    return true;
}

/* ---- its slot has left -------------------------------------------------- */

/* It stays: count it with the generation that would send it there now. */
static void
off_recount(um_blocking_t *k)
{
    um_req_t *r = k->r;

    if (r->counted) {
        um_gens_out(k->w->gens, r->gen_slot);
        r->gen_slot = um_gens_in(k->w->gens);
    }
}

static void
off_look(um_blocking_t *k)
{
    um_worker_t *w = k->w;
    um_verdict_t v;

    if (k->is_wait) {
        off_recount(k);
        return;
    }

    v = um_dispatch_route(w, k->r->slot, k->r->hops);
    if ((v.go == UM_GO_LOCAL || v.go == UM_GO_PEER)
        && um_nodes_at(w, v.addr) == k->node)
    {
        k->verdict = v;
        off_recount(k);
    } else if (k->state == UM_BLOCK_QUEUED) {
        um_block_dequeue(k);
        um_list_del(&k->link);
        k->state = UM_BLOCK_OVER;
        um_block_again(k);
    } else if (k->node->is_peer) {
        off_recount(k); /* the peer sees for itself, and says so */
    } else {
        um_block_call_off(k, UM_BLOCK_OFF_SLOT);
    }
}

void
um_block_topology(um_worker_t *w)
{
    um_list_t todo;

    um_list_init(&todo);
    um_list_join(&todo, &w->blocks);
    while (!um_list_is_empty(&todo)) {
        um_blocking_t *k = um_list_entry(todo.next, um_blocking_t, link);

        um_list_del(&k->link);
        um_list_add_tail(&w->blocks, &k->link);
        off_look(k);
    }
}

/* ---- its Redis does not answer ------------------------------------------ */

void
um_block_hung(um_node_t *n)
{
    um_worker_t *w = n->w;
    um_list_t todo;

    um_list_init(&todo);
    um_list_join(&todo, &w->blocks);
    while (!um_list_is_empty(&todo)) {
        um_blocking_t *k = um_list_entry(todo.next, um_blocking_t, link);

        um_list_del(&k->link);
        um_list_add_tail(&w->blocks, &k->link);
        if (k->node == n && k->state == UM_BLOCK_BLOCKED) {
            um_backend_fail(k->b, 0, "hung");
        }
    }
}

/* ---- time --------------------------------------------------------------- */

/*
 * A client that has sent much behind its blocking command is not read from, so
 * its end does not show by itself.
 */
static bool
off_client_is_gone(const um_blocking_t *k)
{
    const um_client_t *c = k->r->client;
    struct pollfd p = { .events = POLLRDHUP };

    if (c == NULL || c->dead || c->closing || c->io.reading) {
        return false;
    }

    p.fd = c->io.fd;
    return poll(&p, 1, 0) == 1
           && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

static void
off_each_second(um_worker_t *w)
{
    um_list_t todo;

    um_list_init(&todo);
    um_list_join(&todo, &w->blocks);
    while (!um_list_is_empty(&todo)) {
        um_blocking_t *k = um_list_entry(todo.next, um_blocking_t, link);

        um_list_del(&k->link);
        um_list_add_tail(&w->blocks, &k->link);
        if (off_client_is_gone(k)) {
            um_client_kill(k->r->client);
        }
    }
}

void
um_block_tick(um_worker_t *w)
{
    uint64_t now = um_worker_now(w);
    um_list_t todo;

    um_list_init(&todo);
    um_list_join(&todo, &w->blocks_held);
    while (!um_list_is_empty(&todo)) {
        um_block_retry(um_list_entry(todo.next, um_blocking_t, link));
    }

    um_list_join(&todo, &w->blocks_off);
    while (!um_list_is_empty(&todo)) {
        um_blocking_t *k = um_list_entry(todo.next, um_blocking_t, link);

        um_list_del(&k->link);
        um_list_add_tail(&w->blocks_off, &k->link);
        if (k->again_ns != 0 && now >= k->again_ns) {
            off_ask(k);
        }
    }

    if (now >= w->block_second_ns) {
        w->block_second_ns = now + SEC;
        off_each_second(w);
    }
}
