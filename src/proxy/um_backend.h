/*
 * um_backend.h -- one connection to a Redis or a peer: a FIFO of commands.
 *
 *   IDLE       -> RESOLVING   [backend_open]      the address is a name
 *   IDLE       -> CONNECTING  [backend_connect]
 *   RESOLVING  -> CONNECTING  [backend_on_lookup]
 *   CONNECTING -> GREETING    [um_greeting_start] AUTH, CLIENT ID, INFO, kills
 *   GREETING   -> READY       [um_backend_ready]
 *   any        -> PAUSED      [um_backend_fail]   until retry_ns
 *   PAUSED     -> IDLE        [um_backend_tick]
 *
 * Before READY commands wait with their bytes (only while no attempt has
 * failed: afterwards they are refused at once); in READY they stand in the
 * FIFO and their bytes in `out` or in the socket.  A command whose time is up
 * is answered, but keeps its place in the FIFO until its reply has come.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_BACKEND_H
#define UM_BACKEND_H

#include "net/um_loop.h"
#include "proxy/um_block.h"
#include "proxy/um_client.h"
#include "proxy/um_node.h"
#include "proxy/um_sent.h"
#include "resp/um_reply_scan.h"

typedef enum {
    UM_BACKEND_IDLE,
    UM_BACKEND_RESOLVING,
    UM_BACKEND_CONNECTING,
    UM_BACKEND_GREETING,
    UM_BACKEND_READY,
    UM_BACKEND_PAUSED,
} um_backend_state_t;

typedef enum {
    UM_BACKEND_SHARED,  /* pinned, or to a peer */
    UM_BACKEND_PRIVATE, /* one command at a time */
    UM_BACKEND_PROBE,   /* is this Redis alive? */
} um_backend_kind_t;

/* Unwritten bytes beyond which clients wait before they add more. */
#define UM_BACKEND_CONGESTED (1u << 20)
/* Bytes and commands that may wait for a connection. */
#define UM_BACKEND_WAIT_MAX (16u << 20)

typedef struct {
    um_req_t *head, *tail;
} um_req_queue_t;

struct um_backend_s {
    um_worker_t *w;
    um_node_t *node;
    um_io_t io;
    uint8_t state; /* um_backend_state_t */
    uint8_t kind;  /* um_backend_kind_t */
    uint8_t proto; /* RESP 2 or 3 */

    um_req_queue_t fifo; /* bytes are in `out` or on the wire */
    um_req_t *due;       /* first not answered by timeout, nor begun  */
    um_req_queue_t wait; /* for READY */
    uint64_t wait_bytes;

    um_chain_t out;
    um_sent_t sent;    /* for the slow log */
    uint64_t queued;   /* bytes ever put into `out` of this connection */
    uint64_t written;  /* bytes of them the socket has taken           */
    uint64_t answered; /* sent_end of the latest request answered      */
    um_reply_scan_t scan;

    um_list_t link;       /* private: in node->idle; else unlinked */
    um_list_t dirty_link; /* has bytes to write this turn */
    um_list_t busy_link;  /* wants um_backend_tick() */
    um_list_t waiters;    /* clients that wait for less congestion */

    uint64_t last_read_ns;
    uint64_t step_ns;     /* when the present state must be left */
    int dial_err;         /* CONNECTING: why it has failed already ... */
    const char *dial_why; /* ... or NULL */
    uint32_t silences;    /* probes answered while this one said nothing */
    uint32_t failures;    /* attempts that failed since READY */
    uint32_t attempt;     /* which of a name's addresses to try */
    uint32_t opened;      /* grows with every connection and its end */
    struct um_lookup_s *lookup; /* RESOLVING: the one that counts */
    um_backend_t *probe;
    um_backend_t *probed; /* PROBE: whose */

    /* Of the present connection, from the greeting. */
    uint64_t id;
    uint64_t since_us; /* wall clock */
    char run_id[UM_RUN_ID + 1];
    char laddr[64];
    int32_t row_slot;
    uint32_t greetings; /* answers of the greeting still to come */
    bool awaited;       /* private: somebody in node->queue counts on it */
    bool spoilt;        /* private: what ends its commands may still come */
};

/* NULL: out of memory.  Opens when the first command comes, or by _open(). */
um_backend_t *um_backend_new(
    um_worker_t *w, um_node_t *node, um_backend_kind_t kind, uint8_t proto);

/* Connect now, if it is idle. */
void um_backend_open(um_backend_t *b);

/* Close without a word; all requests are failed.  `b` itself is freed at the
 * end of the turn. */
void um_backend_free(um_backend_t *b);

/* Free those that were given to um_backend_free() in this turn. */
void um_backend_reap(um_worker_t *w);

/*
 * Send `r`: the bytes `head` then `tail` (borrowed) are one whole command.
 * `r` is taken, and answered in any case.
 */
void um_backend_send(
    um_backend_t *b, um_req_t *r, um_str_t head, um_str_t tail);

/* Send a command of our own, ahead of those that wait for READY when the
 * greeting is under way.  UM_ERR: out of memory, `done` is not called. */
UM_MUSTCHECK um_rc_t um_backend_internal(um_backend_t *b, const um_str_t *argv,
    uint32_t argc, um_req_done_pt done, void *data);

/* Would it refuse a command now? */
static inline bool
um_backend_is_down(const um_backend_t *b)
{
    return b->failures > 0 && b->state != UM_BACKEND_READY
           && b->state != UM_BACKEND_IDLE;
}

static inline bool
um_backend_is_congested(const um_backend_t *b)
{
    return b->out.len > UM_BACKEND_CONGESTED;
}

/*
 * When a command that moves on now is late.  A peer has as long for its own
 * Redis: what it forwards for us over a connection of its own it must have
 * given up first, or it would do it behind what we send next.
 */
static inline uint64_t
um_backend_deadline(const um_backend_t *b)
{
    uint64_t ms = b->w->conf->backend_timeout;

    if (b->kind == UM_BACKEND_PRIVATE && b->node->is_peer) {
        ms *= 10; /* it answers in time, unless it is dead or hung */
    }

    return um_worker_now(b->w) + ms * 1000000u;
}

/* When `r` is, if it is sent over `b` now. */
static inline uint64_t
um_backend_deadline_of(const um_backend_t *b, const um_req_t *r)
{
    return um_unlikely(r->hooks & UM_HOOK_BLOCKED) ? um_block_deadline(r)
                                                   : um_backend_deadline(b);
}

/* Have commands been answered by an error that it, another connection that
 * was given up, or the peer behind it may still execute? */
static inline bool
um_backend_has_ghosts(const um_backend_t *b)
{
    return b->fifo.head != b->due || !um_list_is_empty(&b->node->old)
           || um_worker_now(b->w) < b->node->doubt_ns;
}

/* Has it given up a command in whose place a reply is still to come? */
static inline bool
um_backend_has_expired(const um_backend_t *b)
{
    for (const um_req_t *r = b->fifo.head; r != b->due; r = r->bnext) {
        if (r->expired) {
            return true;
        }
    }

    return false;
}

static inline bool
um_backend_is_quiet(const um_backend_t *b)
{
    return b->fifo.head == NULL && b->wait.head == NULL;
}

/* Write what is due; once per turn. */
void um_backend_flush(um_backend_t *b);

/* Time has passed. */
void um_backend_tick(um_backend_t *b, uint64_t now);

/* The connection is of no use any more.  `err` is an errno or 0.  A private
 * one or a probe may be freed by it. */
void um_backend_fail(um_backend_t *b, int err, const char *why);

/* Clients that wait for it are routed anew. */
void um_backend_wake(um_backend_t *b);

/* The greeting is over: serve. */
void um_backend_ready(um_backend_t *b);

/* um_greeting.c: the first words on a new connection. */
void um_greeting_start(um_backend_t *b);

/*
 * um_old_conn.c: have Redis kill what may still execute old bytes, over `b`,
 * which is READY or GREETING.  How many CLIENT KILLs are now on their way;
 * `answered` is called for each with `b` unless `b` breaks first.
 */
uint32_t um_old_kill(um_backend_t *b, void (*answered)(um_backend_t *b));

/* Remember the present connection of `b` as one to be killed. */
void um_old_add(um_backend_t *b);

/* Some milliseconds have passed: ask again where nothing was answered. */
void um_old_tick(um_node_t *n, uint64_t now);

void um_old_free_all(um_node_t *n);

#endif /* UM_BACKEND_H */
