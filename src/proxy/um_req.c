/* SPDX-License-Identifier: Apache-2.0 */

#include "proxy/um_req.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/um_log.h"
#include "proxy/um_backend.h"
#include "proxy/um_block.h"
#include "proxy/um_client.h"
#include "proxy/um_fanout.h"
#include "proxy/um_gens.h"
#include "proxy/um_trace.h"
#include "proxy/um_worker.h"
#include "proxy/um_zip.h"
#include "resp/um_put.h"

/* A reply that is still coming goes to its client from here on. */
#define REQ_STREAM_FROM 65536

/* A client with less than this in its buffers is not the one to blame when
 * the worker's memory is short. */
#define REQ_SMALL_CLIENT 65536

/* No answer to what we ask ourselves is as long. */
#define REQ_INTERNAL_MAX (32u << 20)

um_req_t *
um_req_new(um_worker_t *w, um_req_kind_t kind)
{
    um_req_t *r = um_slab_get(&w->reqs);

    if (um_unlikely(r == NULL)) {
        return NULL;
    }

    memset(r, 0, sizeof(*r));
    r->w = w;
    r->kind = (uint8_t) kind;
    return r;
}

void
um_req_uncount(um_req_t *r)
{
    if (r->counted) {
        r->counted = false;
        um_gens_out(r->w->gens, r->gen_slot);
    }
}

static void
req_unhook(um_req_t *r)
{
    if (r->hooks & UM_HOOK_BLOCKED) {
        um_block_free(r);
    }
    if (r->hooks & (UM_HOOK_TRACED | UM_HOOK_LOOK)) {
        um_trace_end(r);
    }
}

void
um_req_release(um_req_t *r)
{
    um_worker_t *w = r->w;

    if (r->in_client || r->in_backend || r->async || r->zipping) {
        return;
    }

    um_req_uncount(r);
    if (um_unlikely(r->hooks != 0)) {
        req_unhook(r);
    }
    if (r->reply.head != NULL) {
        um_chain_free(&r->reply, &w->chunks);
    }
    um_slab_put(&w->reqs, r);
}

void
um_req_left_backend(um_req_t *r)
{
    r->in_backend = false;
    r->backend = NULL;
    if (um_unlikely(r->hooks & UM_HOOK_BLOCKED)) {
        um_block_over(r);
    }
    um_req_uncount(r);
    um_req_release(r);
}

/* A command that has a connection of its own ends with its client. */
static um_backend_t *
req_own_connection(const um_req_t *r)
{
    um_backend_t *b = r->backend;

    return r->in_backend && !r->waiting && b->kind == UM_BACKEND_PRIVATE
                   && b->state == UM_BACKEND_READY
               ? b
               : NULL;
}

void
um_req_orphan(um_req_t *r)
{
    um_backend_t *own = req_own_connection(r);

    um_trace_hold(r, UM_TRACE_WARM);
    r->client = NULL;
    r->in_client = false;
    r->next = NULL;
    if (!r->waiting) {
        um_chain_free(&r->reply, &r->w->chunks);
    }
    if (r->join != NULL && r->kind == UM_REQ_CLIENT) {
        um_join_abandon(r->join);
        r->join = NULL;
    }
    um_req_release(r);

    if (own != NULL && r->hooks & UM_HOOK_BLOCKED) {
        um_block_left(r);
    } else if (own != NULL) {
        um_backend_fail(own, 0, "the client of a command has left");
    }
}

/* Take the first request, whose answer is in `out` now, out of the queue. */
static void
client_pop(um_client_t *c)
{
    um_req_t *r = c->head;

    c->head = r->next;
    if (c->head == NULL) {
        c->tail = NULL;
    }
    c->pending--;
    if (c->barrier == r) {
        c->barrier = NULL;
        if (um_unlikely(c->blocked)) {
            um_block_mark(c, false);
        }
    }

    r->in_client = false;
    r->client = NULL;
    um_req_release(r);

    if (um_unlikely(c->paused)) {
        um_client_maybe_resume(c);
    }
}

/* Answers behind the first that were ready before their turn. */
static void
client_pop_ready(um_client_t *c)
{
    while (c->head != NULL && c->head->ready) {
        c->held -= c->head->reply.len;
        um_chain_append(&c->out, &c->head->reply, &c->w->chunks);
        client_pop(c);
    }
}

/*
 * Too much is kept for this client?  It is killed then.  One that is not to be
 * evicted is spared until buffer_memory is used up twice over.
 */
bool
um_req_client_is_over(um_client_t *c)
{
    um_worker_t *w = c->w;
    uint64_t has = c->out.len + c->held;

    if (um_likely(has <= REQ_SMALL_CLIENT)) {
        return false;
    }

    if (has > w->conf->client_output_limit) {
        um_stat_add(w->row, UM_STAT_CLIENTS_CLOSED_OUTPUT, 1);
        um_log_info(0, "client %lu: closed: %lu bytes of replies not read",
            (unsigned long) c->st.id, (unsigned long) has);
    } else if (um_worker_memory(w) > w->conf->buffer_memory << c->st.no_evict) {
        um_stat_add(w->row, UM_STAT_CLIENTS_CLOSED_MEMORY, 1);
        um_log_warn(0, "client %lu: closed: buffer_memory is used up",
            (unsigned long) c->st.id);
    } else {
        return false;
    }

    um_client_kill(c);
    return true;
}

static void
client_out_of_memory(um_client_t *c)
{
    um_log_error(
        0, "client %lu: closed: out of memory", (unsigned long) c->st.id);
    um_client_kill(c);
}

/* A part of a reply that goes on. */
static void
reply_part(um_req_t *r, const char *data, size_t len)
{
    um_client_t *c = r->client;

    if (c == NULL) {
        return;
    }

    if (um_chain_add(&r->reply, &r->w->chunks, data, len, true) != UM_OK) {
        client_out_of_memory(c);
        return;
    }

    c->held += len;
    if (r == c->head && r->reply.len >= REQ_STREAM_FROM) {
        c->held -= r->reply.len;
        um_chain_move(&c->out, &r->reply);
        r->streaming = true;
        um_client_dirty(c);
    }

    (void) um_req_client_is_over(c);
}

/* A moving mean over some eight replies. */
static void
client_note_reply(um_client_t *c, size_t len)
{
    uint32_t n = (uint32_t) um_min(len, (size_t) UM_CLIENT_WINDOW);

    c->reply_mean = c->reply_mean - c->reply_mean / 8 + n / 8;
}

/* The last bytes of a reply to a client. */
static void
reply_last(um_req_t *r, const char *data, size_t len)
{
    um_client_t *c = r->client;
    um_worker_t *w = r->w;

    um_trace_answered(r, data, len);
    if (um_unlikely(c == NULL)) {
        um_req_release(r);
        return;
    }

    client_note_reply(c, r->reply.len + len);
    if (um_likely(r == c->head)) {
        c->held -= r->reply.len;
        um_chain_move(&c->out, &r->reply);
        if (um_chain_add(&c->out, &w->chunks, data, len, true) != UM_OK) {
            client_out_of_memory(c);
            return;
        }
        client_pop(c);
        client_pop_ready(c);
        um_client_dirty(c);
    } else {
        if (um_chain_add(&r->reply, &w->chunks, data, len, false) != UM_OK) {
            client_out_of_memory(c);
            return;
        }
        c->held += len;
        r->ready = true;
    }

    (void) um_req_client_is_over(c);
}

/* Nobody wants what a join has left in `r`. */
static void
reply_forget(um_req_t *r)
{
    if (r->client != NULL) {
        r->client->held -= r->reply.len;
    }
    um_chain_free(&r->reply, &r->w->chunks);
}

/* Nobody keeps what nobody waits for, nor what has no end. */
static void
reply_internal(um_req_t *r, const char *data, size_t len, bool last)
{
    um_req_done_pt done = r->done;

    if (done != NULL
        && (r->reply.len + len > REQ_INTERNAL_MAX
            || um_chain_add(&r->reply, &r->w->chunks, data, len, !last)
                   != UM_OK))
    {
        um_chain_free(&r->reply, &r->w->chunks);
        um_req_fail(r, "ERR out of memory"); /* lets go of it, if it may */
        return;
    }

    if (last) {
        r->done = NULL;
        if (done != NULL) {
            r->async = true;
            done(r, UM_OK);
            r->async = false;
        }
        um_req_release(r);
    }
}

void
um_req_reply(um_req_t *r, const char *data, size_t len, bool last)
{
    if (um_unlikely(r->hooks & (UM_HOOK_MUTED | UM_HOOK_UNZIP))) {
        if (r->hooks & UM_HOOK_MUTED) {
            reply_forget(r);
            len = 0;
        } else if (um_zip_reply(r, data, len, last)) {
            return;
        }
    }

    switch ((um_req_kind_t) r->kind) {
    case UM_REQ_CLIENT:
        if (um_likely(last)) {
            reply_last(r, data, len);
        } else {
            reply_part(r, data, len);
        }
        return;

    case UM_REQ_PART:
        um_join_part(r, data, len, last);
        return;

    case UM_REQ_INTERNAL:
        reply_internal(r, data, len, last);
        return;
    }
}

void
um_req_fail(um_req_t *r, const char *fmt, ...)
{
    char text[640];
    um_client_t *c = r->client;
    va_list ap;
    int n;

    if (r->kind == UM_REQ_INTERNAL) {
        um_req_done_pt done = r->done;

        r->done = NULL;
        if (done == NULL) {
            return;
        }
        /* The connection may end in there, and let go of `r`. */
        r->async = true;
        done(r, UM_ERR);
        r->async = false;
        if (!r->in_backend) {
            um_req_release(r);
        }
        return;
    }

    if (r->streaming && c != NULL) {
        um_log_warn(0, "client %lu: closed: its reply was cut by the backend",
            (unsigned long) c->st.id);
        um_client_cut(c);
        return;
    }

    if (r->reply.head != NULL) {
        if (c != NULL) {
            c->held -= r->reply.len;
        }
        um_chain_free(&r->reply, &r->w->chunks);
    }

    text[0] = '-';
    va_start(ap, fmt);
    n = vsnprintf(text + 1, sizeof(text) - 3, fmt, ap);
    va_end(ap);
    n = um_min(n + 1, (int) sizeof(text) - 3);
    text[n++] = '\r';
    text[n++] = '\n';
    um_req_reply(r, text, (size_t) n, true);
}

um_sbuf_t *
um_req_begin(um_req_t *r)
{
    um_sbuf_clear(&r->w->answer);
    return &r->w->answer;
}

void
um_req_end(um_req_t *r)
{
    um_sbuf_t *o = &r->w->answer;
    bool is_large = o->cap > 65536;

    r->async = false;
    if (um_unlikely(o->failed)) {
        um_sbuf_deinit(o);
        um_req_reply(r, "-ERR out of memory\r\n", 20, true);
        return;
    }

    um_req_reply(r, o->data, o->len, true);
    if (is_large) {
        um_sbuf_deinit(o);
    }
}

void
um_req_ok(um_req_t *r)
{
    um_sbuf_t *o = um_req_begin(r);

    um_put_simple(o, "OK");
    um_req_end(r);
}

void
um_req_error(um_req_t *r, const char *fmt, ...)
{
    char text[1024];
    um_sbuf_t *o = um_req_begin(r);
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);

    um_put_error(o, "%s", text);
    um_req_end(r);
}

void
um_req_hold(um_req_t *r)
{
    r->async = true;
}
