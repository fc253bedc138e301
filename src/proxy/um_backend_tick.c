/*
 * Time passes for a backend: what is too late, who is silent, what is next.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>

#include "proxy/um_backend.h"
#include "proxy/um_backend_priv.h"

#define MSEC 1000000ull

/* Times in a row that a probe was answered and the connection said nothing. */
#define SILENCES_MAX 3

/* Answer those whose time is up; their places in the FIFO stay. */
static void
backend_expire(um_backend_t *b, uint64_t now)
{
    uint64_t limit = b->w->conf->backend_timeout;
    uint32_t opened = b->opened;

    for (;;) {
        um_req_t *r = b->fifo.head;

        /* The first has a time of its own when its reply is on its way. */
        if (r == NULL || r->expired || r->deadline_ns > now) {
            r = b->due;
        }
        if (r == NULL || r->deadline_ns > now) {
            break;
        }

        if (r == b->due) {
            b->due = r->bnext;
        }
        r->expired = true;
        um_stat_add(b->w->row, UM_STAT_COMMANDS_TIMEOUT, 1);
        um_req_fail(r,
            "ERR_BACKEND_TIMEOUT: %s: no reply within %lu ms, the "
            "command may have been executed",
            b->node->addr.text, (unsigned long) limit);
        if (b->opened != opened) {
            return; /* a greeting that came too late ended the connection */
        }
    }

    while (b->wait.head != NULL && b->wait.head->deadline_ns <= now) {
        um_req_t *r = um_backend_unwait(b);

        um_stat_add(b->w->row, UM_STAT_COMMANDS_TIMEOUT, 1);
        um_req_fail(r,
            "ERR_BACKEND_TIMEOUT: %s: not connected within %lu ms, "
            "the command was not sent",
            b->node->addr.text, (unsigned long) limit);
        um_req_left_backend(r);
    }
}

/* Nothing has come for a while: does it live? */
static void
backend_suspect(um_backend_t *b, uint64_t now)
{
    if (b->kind == UM_BACKEND_PRIVATE) {
        /* Nobody waits for it any more, and its bytes must not run later. */
        if (b->fifo.head != NULL && b->fifo.head->expired) {
            um_backend_fail(b, 0, "a private command timed out");
        }
        return;
    }

    /* A peer cannot be asked to forget what it still has of ours, so what goes
     * to it keeps to one connection, and its order, as long as that lives: the
     * kernel, and its master's watchdog, end those of the dead. */
    if (b->kind != UM_BACKEND_SHARED || b->node->is_peer || b->probe != NULL
        || b->fifo.head == NULL
        || now - b->last_read_ns < b->w->conf->backend_timeout * MSEC)
    {
        return;
    }

    b->probe = um_backend_new(b->w, b->node, UM_BACKEND_PROBE, 2);
    if (b->probe != NULL) {
        b->probe->probed = b;
        um_backend_open(b->probe);
    }
}

void
um_backend_probe_ended(um_backend_t *probe, bool alive)
{
    um_backend_t *b = probe->probed;

    probe->probed = NULL;
    b->probe = NULL;
    um_backend_free(probe);

    if (alive) {
        /* Slow, not dead, it may be: ask again after another while.  But not
         * for ever: a Redis that answers others and never us has lost us. */
        b->last_read_ns = um_worker_now(b->w);
        if (++b->silences >= SILENCES_MAX) {
            um_backend_fail(b, 0, "silent, though its Redis answers others");
        }
        return;
    }

    um_block_hung(b->node);
    um_backend_fail(b, 0, "hung");

    /* It is known not to answer: refuse until a greeting has succeeded. */
    b->failures = um_max(b->failures, 1u);
}

/* To be connected before anybody asks? */
static bool
backend_is_kept_open(const um_backend_t *b)
{
    const um_node_t *n = b->node;

    return b->kind == UM_BACKEND_SHARED && !n->is_peer
           && (n->in_view || !um_list_is_empty(&n->old));
}

void
um_backend_tick(um_backend_t *b, uint64_t now)
{
    uint32_t opened = b->opened;

    backend_expire(b, now);
    if (b->opened != opened) {
        return;
    }

    switch ((um_backend_state_t) b->state) {
    case UM_BACKEND_READY:
        backend_suspect(b, now);
        if (b->opened == opened && um_backend_is_quiet(b)) {
            um_list_del(&b->busy_link);
        }
        return;

    case UM_BACKEND_PAUSED:
        if (now < b->step_ns) {
            return;
        }
        b->state = UM_BACKEND_IDLE;
        if (b->wait.head != NULL || backend_is_kept_open(b)) {
            um_backend_open(b);
        } else {
            um_list_del(&b->busy_link);
        }
        return;

    case UM_BACKEND_RESOLVING:
    case UM_BACKEND_CONNECTING:
    case UM_BACKEND_GREETING:
        if (now < b->step_ns) {
            return;
        }
        if (b->state == UM_BACKEND_GREETING) {
            um_backend_fail(b, 0, "does not answer");
        } else if (b->dial_why != NULL) {
            um_backend_fail(b, b->dial_err, b->dial_why);
        } else {
            um_backend_fail(b, ETIMEDOUT, "connect failed");
        }
        return;

    case UM_BACKEND_IDLE:
        if (um_backend_is_quiet(b)) {
            um_list_del(&b->busy_link);
        }
        return;
    }
}
