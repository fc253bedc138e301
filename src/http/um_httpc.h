/*
 * um_httpc.h -- a small HTTP/1.1 client on our event loop.
 *
 * One um_httpc_t is one remote server.  Its connections are kept and used
 * again; what is asked while all are busy waits in line.  libevent's evhttp
 * writes and reads HTTP; connections, time and bounds are ours.
 *
 * A request has one deadline, for everything: waiting, resolving the name,
 * connecting, sending, answering.  Its callback runs once, from the loop,
 * never within um_httpc_ask().  Any function here may be called from it.
 *
 * Nothing that may have been executed is sent again, unless it says `again`:
 * a connection that the server has meanwhile closed is noticed before it is
 * used, and where that comes too late the answer says `unsure`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_HTTPC_H
#define UM_HTTPC_H

#include "core/um_addr.h"
#include "core/um_sbuf.h"
#include "http/um_http.h"
#include "net/um_job.h"

typedef struct um_httpc_s um_httpc_t;
typedef struct um_httpc_call_s um_httpc_call_t;

typedef struct {
    uint32_t connections;  /* at once, at least 1                        */
    uint32_t queue;        /* requests that wait for one of them         */
    uint64_t idle_timeout; /* ms for which an unused one is kept         */
    size_t header_max;     /* bytes of an answer's head                  */
    size_t body_max;       /* and of its body, also after it is unpacked */
} um_httpc_limits_t;

typedef struct {
    const char *name;
    const char *value;
} um_httpc_field_t;

typedef struct {
    unsigned method;                /* one UM_HTTP_*                     */
    const char *target;             /* "/path?query", escaped            */
    const um_httpc_field_t *fields; /* .name NULL ends; NULL: none       */
    um_str_t body;                  /* Content-Length is added           */
    uint64_t timeout;               /* ms, at least 1                    */
    bool again; /* it does no harm twice: sent once more when a connection
                   used before is lost without a byte of the answer */
} um_httpc_ask_t;

typedef struct {
    unsigned status; /* 200 to 599; 0: there is no answer                */
    const char *why; /* then: "timed out", "connect failed: ...", ...    */
    bool unsure;     /* and: it may have been executed                   */
    bool late;       /* and: its time was over                           */
    um_str_t body;   /* as a whole, unpacked if it was packed with gzip  */
    const um_httpc_call_t *call; /* for um_httpc_header()                */
} um_httpc_answer_t;

/* All of `a` is borrowed; the call is gone already. */
typedef void (*um_httpc_pt)(const um_httpc_answer_t *a, void *data);

/*
 * `server` ("host:port", no UNIX socket) is copied; `jobs` are for resolving
 * its name and lent: whoever frees them gives um_resolve_drop() what is left.
 * For an address they may be NULL.  NULL: no memory, logged.
 */
UM_MUSTCHECK um_httpc_t *um_httpc_new(um_loop_t *loop, um_jobs_t *jobs,
    const um_addr_t *server, const um_httpc_limits_t *limits);

/* No callback runs any more. */
void um_httpc_free(um_httpc_t *c);

/*
 * Ask; `ask` is borrowed, `data` lent until the callback.  NULL: it cannot be
 * sent and on_answer will not run: too many wait, no memory, or a target or
 * field that has no place in a request; `*why` says which, lent for good.
 */
UM_MUSTCHECK um_httpc_call_t *um_httpc_ask(um_httpc_t *c,
    const um_httpc_ask_t *ask, um_httpc_pt on_answer, void *data,
    const char **why);

/* Its callback will not run; it may have been executed.  Not for a call whose
 * callback has begun. */
void um_httpc_cancel(um_httpc_call_t *call);

/* A field of an answer's head; NULL: it has none. */
const char *um_httpc_header(const um_httpc_answer_t *a, const char *name);

/* The value of Authorization by name and password. */
void um_httpc_basic(um_sbuf_t *out, um_str_t name, um_str_t password);

typedef struct {
    uint32_t connections; /* now */
    uint32_t idle;        /* of them */
    uint32_t waiting;     /* requests without one */
    uint64_t opened;      /* connections, ever */
} um_httpc_load_t;

um_httpc_load_t um_httpc_load(const um_httpc_t *c);

#endif /* UM_HTTPC_H */
