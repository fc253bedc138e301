/*
 * The socket of a backend: bytes out once per turn, replies in and matched
 * with the FIFO.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/um_log.h"
#include "core/um_str.h"
#include "proxy/um_backend.h"
#include "proxy/um_backend_priv.h"
#include "proxy/um_gate.h"
#include "proxy/um_private.h"
#include "proxy/um_trace.h"

#define IOV_COUNT 64

/* Reads per turn: one busy backend must not starve the clients. */
#define READS_PER_TURN 4

/* What a peer says of a command it gave up, and how long, ns, we then keep to
 * the one connection to it that has its commands in order. */
#define TIMEOUT_REPLY "-ERR_BACKEND_TIMEOUT"
#define DOUBT         60000000000ull

/* A peer that gave a command up cannot tell when its Redis will do it after
 * all; nor can we ask, for another of its workers may answer us next. */
static void
backend_doubt(um_backend_t *b, const char *data, size_t len)
{
    um_str_t head = { data, um_min(len, sizeof(TIMEOUT_REPLY) - 1) };

    if (um_unlikely(data[0] == '-') && um_str_eq(head, um_lit(TIMEOUT_REPLY))) {
        b->node->doubt_ns = um_worker_now(b->w) + DOUBT;
    }
}

/* The reply of the first in the FIFO is complete. */
static void
backend_answered(um_backend_t *b, const char *data, size_t len)
{
    um_req_t *r = um_req_queue_take(&b->fifo);

    b->answered = r->sent_end;
    if (um_unlikely(b->node->is_peer)) {
        backend_doubt(b, data, len);
    }
    if (b->due == r) {
        b->due = b->fifo.head;
    }

    um_trace_replied(b, r);
    r->in_backend = false;
    r->backend = NULL;
    if (um_unlikely(r->hooks & UM_HOOK_BLOCKED)
        && um_block_answered(r, data, len)) {
        return;
    }
    um_req_uncount(r);
    if (um_unlikely(
            r->expired || (r->kind == UM_REQ_CLIENT && r->client == NULL))) {
        um_stat_add(b->w->row, UM_STAT_REPLIES_DROPPED, 1);
        if (!r->expired) {
            um_trace_look(r, data, len);
        }
        um_req_left_backend(r);
        return;
    }

    if (um_unlikely(data[0] == '-' && b->node->closed != NULL)
        && um_gate_answer(r, b->node, (um_str_t){ data, len }))
    {
        return;
    }

    um_req_reply(r, data, len, true);
}

/* Deal out what was read.  UM_DONE: the connection has ended meanwhile. */
static um_rc_t
backend_replies(um_backend_t *b, const char *data, size_t len)
{
    uint32_t opened = b->opened;

    while (len > 0) {
        size_t used = 0;
        um_rc_t rc;

        if (um_unlikely(b->fifo.head == NULL)) {
            um_backend_fail(b, 0, "sent what nobody asked for");
            return UM_DONE;
        }

        rc = um_reply_scan(&b->scan, data, len, &used);
        if (um_unlikely(b->scan.type == '>')) {
            um_backend_fail(b, 0, "sent a push that nobody asked for");
            return UM_DONE;
        }
        if (um_likely(rc == UM_OK)) {
            backend_answered(b, data, used);
            if (um_unlikely(b->opened != opened)) {
                return UM_DONE;
            }
            data += used;
            len -= used;
            continue;
        }

        if (rc == UM_AGAIN) {
            um_req_t *r = b->fifo.head;

            if (!r->expired) {
                /* It is on its way: late only when no more comes.  Those
                 * behind it have waited all the same. */
                if (b->due == r) {
                    b->due = r->bnext;
                }
                r->deadline_ns = um_backend_deadline(b);
                um_trace_begun(r, data);
                um_req_reply(r, data, len, false);
            }
            return b->opened == opened ? UM_OK : UM_DONE;
        }

        um_backend_fail(b, 0, "sent what is not RESP");
        return UM_DONE;
    }

    return UM_OK;
}

static void
backend_on_readable(void *data)
{
    um_backend_t *b = data;
    um_worker_t *w = b->w;

    for (int i = 0; i < READS_PER_TURN; i++) {
        ssize_t n = recv(b->io.fd, w->rbuf, UM_WORKER_RBUF, 0);
        um_rc_t rc;

        if (n > 0) {
            um_stat_add(w->row, UM_STAT_BACKEND_BYTES_IN, (uint64_t) n);
            if (um_unlikely(w->conf->lease != 0) && um_gate_is_late(b)) {
                return;
            }
            b->last_read_ns = um_worker_now(w);
            b->silences = 0;
            um_trace_reading(b);
            rc = backend_replies(b, w->rbuf, (size_t) n);
            um_trace_read(b);
            if (rc != UM_OK) {
                return;
            }
            if ((size_t) n < UM_WORKER_RBUF) {
                break;
            }
        } else if (n == 0) {
            um_backend_fail(b, 0, "connection closed");
            return;
        } else if (errno == EAGAIN || errno == EINTR) {
            break;
        } else {
            um_backend_fail(b, errno, "connection lost");
            return;
        }
    }

    /* The last private command is answered: next, please. */
    if (b->kind == UM_BACKEND_PRIVATE && b->state == UM_BACKEND_READY
        && um_backend_is_quiet(b) && um_list_is_empty(&b->link))
    {
        um_private_put(b);
    }
}

/* The first `n` bytes of `out` have gone; the slow log may ask for them. */
static void
backend_written(um_backend_t *b, size_t n)
{
    um_chunks_t *pool = &b->w->chunks;

    if (um_trace_is_on(b->w)) {
        um_sent_add(&b->sent, &b->out, pool, n, b->written,
            b->kind == UM_BACKEND_PRIVATE);
    } else {
        um_chain_consume(&b->out, pool, n);
    }
}

void
um_backend_flush(um_backend_t *b)
{
    struct iovec iov[IOV_COUNT];

    um_list_del(&b->dirty_link);

    while (b->out.len > 0 && b->state >= UM_BACKEND_GREETING && b->io.fd != -1)
    {
        int count = um_chain_iov(&b->out, iov, IOV_COUNT);
        ssize_t n = um_send(b->io.fd, iov, count);

        if (n < 0) {
            if (errno == EINTR) {
                continue;
            }
            if (errno != EAGAIN) {
                um_backend_fail(b, errno, "connection lost");
                return;
            }
            if (um_io_want_write(&b->io, true) != UM_OK) {
                um_backend_fail(b, ENOMEM, "cannot be watched");
            }
            return;
        }

        b->written += (uint64_t) n;
        if (b->kind == UM_BACKEND_PRIVATE && b->due != NULL) {
            b->due->deadline_ns = um_backend_deadline_of(b, b->due);
        }
        um_stat_add(b->w->row, UM_STAT_BACKEND_BYTES_OUT, (uint64_t) n);
        backend_written(b, (size_t) n);
        um_backend_uncongested(b);
    }

    if (b->io.writing && um_io_want_write(&b->io, false) != UM_OK) {
        um_backend_fail(b, ENOMEM, "cannot be watched");
    }
}

static void
backend_on_writable(void *data)
{
    um_backend_t *b = data;

    if (b->state != UM_BACKEND_CONNECTING) {
        um_backend_flush(b);
        return;
    }

    if (um_backend_io_connected(b) != UM_OK) {
        return;
    }

    if (um_io_want_write(&b->io, false) != UM_OK) {
        um_backend_fail(b, ENOMEM, "cannot be watched");
        return;
    }

    um_greeting_start(b);
}

um_rc_t
um_backend_io_open(um_backend_t *b, int fd)
{
    if (um_io_open(
            &b->io, b->w->loop, fd, backend_on_readable, backend_on_writable, b)
        != UM_OK)
    {
        (void) close(fd);
        return UM_ERR;
    }

    if (um_io_want_read(&b->io, true) != UM_OK
        || um_io_want_write(&b->io, true) != UM_OK)
    {
        um_io_close(&b->io);
        return UM_ERR;
    }

    return UM_OK;
}
