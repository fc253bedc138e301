/*
 * Queues of a backend: what is sent, what waits, what is lost.  Its socket is
 * um_backend_io.c, connecting um_dial.c, time um_backend_tick.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "proxy/um_backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/um_clock.h"
#include "core/um_log.h"
#include "proxy/um_backend_priv.h"
#include "proxy/um_private.h"
#include "proxy/um_trace.h"
#include "resp/um_put.h"

#define MSEC 1000000ull

/* Pauses between attempts to connect, in ms: doubling, at most. */
#define RETRY_FIRST 10
#define RETRY_MAX   1000

um_backend_t *
um_backend_new(
    um_worker_t *w, um_node_t *node, um_backend_kind_t kind, uint8_t proto)
{
    um_backend_t *b = calloc(1, sizeof(*b));

    if (b == NULL) {
        um_log_error(0, "backend %s: out of memory", node->addr.text);
        return NULL;
    }

    b->w = w;
    b->node = node;
    b->kind = (uint8_t) kind;
    b->proto = proto;
    b->io.fd = -1;
    b->row_slot = -1;
    um_list_init(&b->link);
    um_list_init(&b->dirty_link);
    um_list_init(&b->busy_link);
    um_list_init(&b->waiters);
    return b;
}

void
um_backend_mark_busy(um_backend_t *b)
{
    if (um_list_is_empty(&b->busy_link)) {
        um_list_add_tail(um_nodes_busy(b->w->nodes), &b->busy_link);
    }
}

static inline void
backend_note_len(um_req_t *r, size_t len)
{
    if (um_likely(r->kind == UM_REQ_CLIENT)) {
        r->sent_len = (uint32_t) len;
    }
}

/* The bytes of `r` are in `out`: it stands in the FIFO now. */
static void
backend_sent(um_backend_t *b, um_req_t *r)
{
    r->sent_end = b->queued;
    r->sent_us = b->w->now_us;
    if (b->due == NULL) {
        b->due = r;
    }
    if (b->fifo.head == NULL) {
        b->last_read_ns = um_worker_now(b->w);
    }
    um_req_queue_add(&b->fifo, r);

    if (um_list_is_empty(&b->dirty_link)) {
        um_list_add_tail(&b->w->dirty_backends, &b->dirty_link);
    }
    um_backend_mark_busy(b);
}

/* Both or nothing.  UM_ERR: out of memory. */
static um_rc_t
chain_add_both(
    um_worker_t *w, um_chain_t *c, um_str_t head, um_str_t tail, bool stream)
{
    um_chain_t more = { NULL, NULL, 0 };

    if (um_likely(c->tail != NULL
                  && head.len + tail.len <= c->tail->cap - c->tail->len))
    {
        um_chunk_t *k = c->tail;

        memcpy(k->data + k->len, head.data, head.len);
        memcpy(k->data + k->len + head.len, tail.data, tail.len);
        k->len += (uint32_t) (head.len + tail.len);
        c->len += head.len + tail.len;
        return UM_OK;
    }

    if ((head.len > 0
            && um_chain_add(&more, &w->chunks, head.data, head.len, stream)
                   != UM_OK)
        || (tail.len > 0
            && um_chain_add(&more, &w->chunks, tail.data, tail.len, stream)
                   != UM_OK))
    {
        um_chain_free(&more, &w->chunks);
        return UM_ERR;
    }

    um_chain_move(c, &more);
    return UM_OK;
}

/* Keep the bytes of `r` until the connection is there. */
static void
backend_hold(um_backend_t *b, um_req_t *r, um_str_t head, um_str_t tail)
{
    size_t len = head.len + tail.len;

    if (b->kind == UM_BACKEND_SHARED
        && b->wait_bytes + len > UM_BACKEND_WAIT_MAX) {
        um_req_fail(r,
            "ERR_BACKEND_CONNECTION: %s: too many commands wait "
            "for the connection, this one was not sent",
            b->node->addr.text);
        return;
    }

    if (chain_add_both(b->w, &r->body, head, tail, false) != UM_OK) {
        um_req_fail(r, "ERR out of memory");
        return;
    }

    r->in_backend = r->waiting = true;
    r->backend = b;
    b->wait_bytes += len;
    um_req_queue_add(&b->wait, r);
    um_backend_mark_busy(b);
}

void
um_backend_send(um_backend_t *b, um_req_t *r, um_str_t head, um_str_t tail)
{
    size_t len = head.len + tail.len;

    r->deadline_ns = um_backend_deadline_of(b, r);

    /* What came by another way than a client's, or too late. */
    if (um_unlikely(b->node->closed != NULL && r->kind != UM_REQ_INTERNAL)) {
        um_stat_add(b->w->row, UM_STAT_COMMANDS_UNSENT, 1);
        um_req_fail(r, "CLUSTERDOWN Hash slot not served: %s %s",
            b->node->addr.text, b->node->closed);
        return;
    }

    if (um_unlikely(b->state != UM_BACKEND_READY)) {
        if (um_backend_is_down(b)) {
            um_stat_add(b->w->row, UM_STAT_COMMANDS_UNSENT, 1);
            um_req_fail(r,
                "ERR_BACKEND_CONNECTION: %s: not connected, the "
                "command was not sent",
                b->node->addr.text);
            return;
        }

        backend_hold(b, r, head, tail);
        um_backend_open(b);
        return;
    }

    if (um_unlikely(chain_add_both(b->w, &b->out, head, tail, true) != UM_OK)) {
        um_req_fail(r, "ERR out of memory");
        return;
    }

    r->in_backend = true;
    r->backend = b;
    b->queued += len;
    backend_note_len(r, len);
    backend_sent(b, r);
}

um_rc_t
um_backend_internal(um_backend_t *b, const um_str_t *argv, uint32_t argc,
    um_req_done_pt done, void *data)
{
    um_req_t *r = um_req_new(b->w, UM_REQ_INTERNAL);
    um_sbuf_t *text = &b->w->scratch;

    if (r == NULL) {
        return UM_ERR;
    }

    um_sbuf_clear(text);
    um_put_args(text, argv, argc);
    if (text->failed
        || um_chain_add(&b->out, &b->w->chunks, text->data, text->len, true)
               != UM_OK)
    {
        um_sbuf_deinit(text);
        um_req_release(r);
        return UM_ERR;
    }

    r->done = done;
    r->data = data;
    r->deadline_ns = um_worker_now(b->w) + b->w->conf->backend_timeout * MSEC;
    r->in_backend = true;
    r->backend = b;
    b->queued += text->len;
    backend_sent(b, r);
    return UM_OK;
}

um_req_t *
um_backend_unwait(um_backend_t *b)
{
    um_req_t *r = um_req_queue_take(&b->wait);

    if (r != NULL) {
        um_trace_hold(r, UINT32_MAX);
        b->wait_bytes -= r->body.len;
        um_chain_free(&r->body, &b->w->chunks);
        r->waiting = false;
    }

    return r;
}

/* Answer what waited and was surely not sent. */
static void
backend_fail_waiting(um_backend_t *b, const char *why)
{
    um_req_t *r;

    while ((r = um_backend_unwait(b)) != NULL) {
        um_stat_add(b->w->row, UM_STAT_COMMANDS_UNSENT, 1);
        um_req_fail(r,
            "ERR_BACKEND_CONNECTION: %s: %s, the command was not "
            "sent",
            b->node->addr.text, why);
        um_req_left_backend(r);
    }
}

void
um_backend_ready(um_backend_t *b)
{
    um_req_t *r;

    b->state = UM_BACKEND_READY;
    b->failures = 0;
    b->attempt = 0;
    b->since_us = um_clock_wall_us();
    if (!b->node->is_peer) {
        b->row_slot = um_nodes_row_add(b->w->nodes, b->node, b->id, b->run_id);
    }

    if (um_unlikely(b->node->closed != NULL)) {
        backend_fail_waiting(b, b->node->closed);
    }

    while ((r = um_req_queue_take(&b->wait)) != NULL) {
        b->wait_bytes -= r->body.len;
        b->queued += r->body.len;
        backend_note_len(r, r->body.len);
        um_chain_move(&b->out, &r->body);
        r->waiting = false;
        backend_sent(b, r);
    }

    if (b->kind == UM_BACKEND_PROBE) {
        um_backend_probe_ended(b, true);
    }
}

/* Answer what stood in the FIFO of a connection that is gone. */
static void
backend_fail_sent(um_backend_t *b, um_req_queue_t *fifo, uint64_t answered,
    uint64_t written, const char *why)
{
    uint64_t begin = answered;
    um_req_t *r;

    while ((r = um_req_queue_take(fifo)) != NULL) {
        bool sent = begin < written;

        begin = r->sent_end;
        if (!r->expired) {
            um_stat_add(b->w->row,
                sent ? UM_STAT_COMMANDS_LOST : UM_STAT_COMMANDS_UNSENT, 1);
            um_req_fail(r, "ERR_BACKEND_CONNECTION: %s: %s, the command %s",
                b->node->addr.text, why,
                sent ? "may have been executed" : "was not sent");
        }
        um_req_left_backend(r);
    }
}

void
um_backend_wake(um_backend_t *b)
{
    while (!um_list_is_empty(&b->waiters)) {
        um_client_t *c = um_list_entry(b->waiters.next, um_client_t, wait_link);

        um_list_del(&c->wait_link);
        c->waiting_for = NULL;
        um_client_resume(c);
    }
}

void
um_backend_uncongested(um_backend_t *b)
{
    if (!um_list_is_empty(&b->waiters)
        && b->out.len <= UM_BACKEND_CONGESTED / 2) {
        um_backend_wake(b);
    }
}

/* Close the socket and forget all that belonged to it but its requests. */
static void
backend_disconnect(um_backend_t *b)
{
    const struct linger at_once = { .l_onoff = 1 };
    bool unanswered = b->fifo.head != NULL;

    if (b->lookup != NULL) {
        um_backend_lookup_cancel(b);
    }

    if (unanswered) {
        /* A reset: nothing of what has not left yet is sent any more. */
        (void) setsockopt(
            b->io.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    }
    um_io_close(&b->io);
    b->opened++;

    /* What we sent may still be in Redis' socket.  A greeting may: it harms
     * nobody. */
    if (unanswered && b->state == UM_BACKEND_READY && !b->node->is_peer) {
        um_old_add(b);
    } else {
        um_nodes_row_del(b->w->nodes, b->row_slot);
    }

    b->row_slot = -1;
    b->id = 0;
    um_sent_add_rest(&b->sent, &b->out, &b->w->chunks, b->written);
    um_list_del(&b->dirty_link);
    memset(&b->scan, 0, sizeof(b->scan));
    b->queued = b->written = b->answered = 0;
    b->greetings = b->silences = 0;
}

static void
backend_log_failure(um_backend_t *b, int err, const char *why)
{
    um_stat_add(b->w->row, UM_STAT_BACKEND_FAILURES, 1);

    /* The first tells the story; then at 2, 4, 8 ... attempts.  Connections
     * beside the shared one only tell it again. */
    if (b->kind != UM_BACKEND_SHARED) {
        um_log_info(err, "backend %s: %s (a connection of its own)",
            b->node->addr.text, why);
    } else if ((b->failures & (b->failures - 1)) == 0) {
        um_log_warn(err, "backend %s: %s (failure %u)", b->node->addr.text, why,
            b->failures);
    }
}

void
um_backend_fail(um_backend_t *b, int err, const char *why)
{
    um_req_queue_t fifo = b->fifo;
    uint64_t answered = b->answered, written = b->written;
    bool was_ready = b->state == UM_BACKEND_READY;
    uint64_t pause;

    if (b->probe != NULL) {
        um_backend_free(b->probe);
    }

    b->failures++;
    backend_log_failure(b, err, why);
    backend_disconnect(b);
    b->fifo.head = b->due = NULL;

    /* A connection that served is made again at once. */
    pause = was_ready
                ? 0
                : um_min(RETRY_FIRST << um_min(b->failures, 10u), RETRY_MAX);
    if (was_ready) {
        b->failures = 0;
    }
    b->state = UM_BACKEND_PAUSED;
    b->step_ns = um_worker_now(b->w) + pause * MSEC;
    um_backend_mark_busy(b);

    backend_fail_sent(b, &fifo, answered, written, why);
    um_sent_free(&b->sent, &b->w->chunks);
    backend_fail_waiting(b, why);
    um_backend_wake(b);

    if (b->kind == UM_BACKEND_PROBE) {
        um_backend_probe_ended(b, false);
    } else if (b->kind == UM_BACKEND_PRIVATE) {
        um_backend_free(b);
    }
}

void
um_backend_free(um_backend_t *b)
{
    um_req_queue_t fifo = b->fifo;
    uint64_t answered = b->answered, written = b->written;

    if (b->probe != NULL) {
        um_backend_free(b->probe);
    }
    if (b->probed != NULL) {
        b->probed->probe = NULL;
    }

    backend_disconnect(b);
    b->fifo.head = b->due = NULL;
    b->state = UM_BACKEND_PAUSED; /* a greeting cut short must not end it too */
    backend_fail_sent(b, &fifo, answered, written, "closed");
    um_sent_free(&b->sent, &b->w->chunks);
    backend_fail_waiting(b, "closed");
    um_backend_wake(b);

    if (b->kind == UM_BACKEND_PRIVATE) {
        um_private_gone(b);
    }
    for (int i = 0; i < UM_NODE_LINKS; i++) {
        if (b->node->conn[i] == b) {
            b->node->conn[i] = NULL;
        }
    }
    um_list_del(&b->link);
    um_list_del(&b->busy_link);

    /* Callbacks of this turn may still hold it. */
    um_list_add_tail(&b->w->dead_backends, &b->link);
}

void
um_backend_reap(um_worker_t *w)
{
    um_list_each_safe(l, &w->dead_backends)
    {
        um_list_del(l);
        free(um_list_entry(l, um_backend_t, link));
    }
}
