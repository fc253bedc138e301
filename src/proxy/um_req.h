/*
 * um_req.h -- one command on its way: from the client to whoever answers it,
 * and its answer back.
 *
 * A request stands in up to two queues: its client's (order of replies) and
 * its backend's FIFO (order of execution).  It is freed when it has left both.
 * A client that goes away orphans its requests: the FIFO keeps them, so that
 * replies stay matched, and throws their replies away.
 *
 *   CLIENT    stands in a client's queue; may have a join with parts
 *   PART      one of the pieces of a split command; answers its join
 *   INTERNAL  ours (handshake, scan, kill): its callback gets the reply
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_REQ_H
#define UM_REQ_H

#include "core/um_sbuf.h"
#include "net/um_chain.h"
#include "resp/um_cmd.h"

typedef struct um_req_s um_req_t;
typedef struct um_worker_s um_worker_t;
typedef struct um_client_s um_client_t;
typedef struct um_backend_s um_backend_t;
typedef struct um_join_s um_join_t;

/* Reasons to look twice at a request when it is answered; none as a rule, so
 * that the main road tests one byte. */
enum {
    UM_HOOK_MUTED = 1u << 0,   /* CLIENT REPLY: nobody wants the answer */
    UM_HOOK_UNZIP = 1u << 1,   /* values in the reply may be compressed */
    UM_HOOK_BLOCKED = 1u << 2, /* may wait; `data` is its um_blocking_t */
    UM_HOOK_TRACED = 1u << 3,  /* its words are kept for the slow log   */
    UM_HOOK_LOOK = 1u << 4,    /* no one backend answers it: um_trace.h */
};

typedef enum {
    UM_REQ_CLIENT,
    UM_REQ_PART,
    UM_REQ_INTERNAL,
} um_req_kind_t;

/* The reply of an INTERNAL request is in r->reply; UM_ERR: there is none,
 * the connection was lost or the deadline passed.  `r` is freed on return. */
typedef void (*um_req_done_pt)(um_req_t *r, um_rc_t rc);

struct um_req_s {
    um_worker_t *w;
    um_req_t *next;        /* behind us in the client's queue  */
    um_req_t *bnext;       /* behind us in the backend's queue */
    um_client_t *client;   /* NULL: orphan, or never had one   */
    um_backend_t *backend; /* while in its FIFO or wait list */
    union {
        um_join_t *join;     /* CLIENT: of its parts; PART: where it answers */
        um_req_done_pt done; /* INTERNAL */
    };
    const um_cmd_t *cmd; /* may be NULL */

    union {
        um_chain_t body;  /* waiting: bytes for the connection            */
        um_chain_t reply; /* otherwise: bytes that wait for their turn    */
    };

    uint64_t deadline_ns; /* when in a backend's queue             */
    uint64_t sent_end;    /* stream position behind our last byte  */
    void *data;           /* INTERNAL, or of an asynchronous handler */

    union {
        uint32_t part;     /* PART: which one */
        uint32_t sent_len; /* CLIENT: bytes it was sent with */
    };
    uint16_t slot;
    uint8_t kind;     /* um_req_kind_t */
    uint8_t gen_slot; /* where its topology generation is counted */
    uint8_t hops;     /* redirections left + 1; 0: straight from a client */

    uint8_t hooks; /* UM_HOOK_*: what is to be done besides */

    bool in_client : 1;  /* stands in the client's queue                    */
    bool in_backend : 1; /* stands in a backend's FIFO or wait list         */
    bool waiting : 1;    /* in the wait list: `body` holds its bytes        */
    bool ready : 1;      /* the whole answer is in `reply`                  */
    bool async : 1;      /* a handler, or its join, holds it                */
    bool expired : 1;    /* answered by timeout, the real reply is unwanted */
    bool streaming : 1;  /* part of the reply has gone to the client        */
    bool counted : 1;    /* in its generation's count                       */
    bool zipping : 1;    /* a helper thread packs or unpacks its values     */
    bool plain : 1;      /* UMFORWARD tells that its values are not packed  */

    /* Steps of its life for the slow log and the statistics: the low 32 bits
     * of um_worker_now() in us, which come around after 71 minutes. */
    uint32_t start_us; /* its words were read                         */
    uint32_t sent_us;  /* its bytes went to a connection; 0: not yet  */
    uint32_t got_us;   /* the first bytes of its reply came; 0: never */
};

/* At -P 32 thousands are under way: two cache lines each, not three. */
_Static_assert(sizeof(struct um_req_s) <= 128, "a request has grown");

/* A fresh one, zero but for kind and w.  NULL: out of memory. */
um_req_t *um_req_new(um_worker_t *w, um_req_kind_t kind);

/*
 * Answer `r` with a text built here:
 *
 *     um_sbuf_t *o = um_req_begin(r);
 *     um_put_simple(o, "OK");
 *     um_req_end(r);
 *
 * Between the two nothing else may be answered: all share one buffer.  After
 * um_req_end() `r` belongs to its client again and may be gone.  A buffer that
 * failed (out of memory) answers "-ERR out of memory".
 */
um_sbuf_t *um_req_begin(um_req_t *r);
void um_req_end(um_req_t *r);

/* The commonest answers.  `r` may be gone afterwards. */
void um_req_ok(um_req_t *r);
void um_req_error(um_req_t *r, const char *fmt, ...) UM_PRINTF(2, 3);

/*
 * A handler that cannot answer at once calls this, keeps `r` and ends it
 * later with um_req_begin()/um_req_end(), always: also when r->client has
 * become NULL meanwhile (the text is then thrown away).
 */
void um_req_hold(um_req_t *r);

/* ---- for the data plane itself ---------------------------------------- */

/* Bytes of the reply; `last`: it is complete with them, `r` may be gone. */
void um_req_reply(um_req_t *r, const char *data, size_t len, bool last);

/* No reply will come: answer `text` (with its '-', without CRLF) instead.  A
 * client that already got a part of the true reply is closed. */
void um_req_fail(um_req_t *r, const char *fmt, ...) UM_PRINTF(2, 3);

/* Is too much kept for this client?  It is killed then. */
bool um_req_client_is_over(um_client_t *c);

/* The client is going: take `r` out of its queue. */
void um_req_orphan(um_req_t *r);

/* The FIFO has let go of it: free it when nobody else has it. */
void um_req_left_backend(um_req_t *r);

/* It cannot run any more at a node: its generation need not wait for it. */
void um_req_uncount(um_req_t *r);

/* Free it when it stands in no queue and nobody holds it. */
void um_req_release(um_req_t *r);

#endif /* UM_REQ_H */
