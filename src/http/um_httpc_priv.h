/*
 * um_httpc_priv.h -- what the files of the HTTP client share.
 *
 *   um_httpc.c        calls: their line, their time, their answers
 *   um_httpc_conn.c   connections, and evhttp
 *
 * evhttp's callbacks decide nothing about the lives of its objects: they note
 * what has happened, and httpc_on_turn(), a timer of ours, frees, asks and
 * answers.  So nothing is freed under evhttp's feet, whatever a callback of
 * the user does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_HTTPC_PRIV_H
#define UM_HTTPC_PRIV_H

#include "core/um_list.h"
#include "http/um_httpc.h"
#include "net/um_resolve.h"

struct evhttp_connection;
struct evhttp_request;

typedef struct httpc_conn_s httpc_conn_t;

struct um_httpc_s {
    um_loop_t *loop;
    um_addr_t server;
    um_httpc_limits_t limits;
    um_resolve_t *resolve;
    uint32_t best; /* address that worked last */

    um_list_t idle;  /* the last used first                     */
    um_list_t busy;  /* each with its call                      */
    um_list_t trash; /* to be freed in a turn                   */
    uint32_t count;  /* idle and busy                           */
    uint32_t idle_count;
    uint64_t opened;
    um_timer_t *sweep; /* runs while there are idle ones */

    um_list_t waiting;
    uint32_t waiting_count;
    um_list_t done; /* to be answered in the next turn */
    um_list_t now;  /* and in this one                 */
    um_timer_t *turn;
    const char *no_name; /* a look-up has failed: why */
    bool *gone;          /* to be set by um_httpc_free(); on_turn's stack */
};

struct httpc_conn_s {
    um_httpc_t *c;
    um_list_t link;
    struct evhttp_connection *ev;
    um_httpc_call_t *call; /* NULL: idle, or nobody waits any more   */
    uint64_t idle_ns;      /* since then                             */
    uint32_t which;        /* of the addresses                       */
    uint32_t others;       /* that are still to be tried             */
    bool used;             /* has answered before                    */
    bool up;               /* connected: something may have been sent */

    /* Of the call: */
    uint64_t heard;    /* bytes of the answer              */
    bool last;         /* not to be used after this answer */
    bool chunked;      /* so is its body                   */
    unsigned interim;  /* 1xx answers so far               */
    int error;         /* evhttp's, or -1                  */
    const char *wrong; /* with the answer's head           */
};

/*
 *   WAITING -> ASKED     [httpc_pump]
 *   ASKED   -> WAITING   [call_wait_again]   surely not sent, or `again`
 *   any     -> DONE      [call_done]
 */
typedef enum { CALL_WAITING, CALL_ASKED, CALL_DONE } httpc_stage_t;

struct um_httpc_call_s {
    um_httpc_t *c;
    um_list_t link; /* waiting or done */
    httpc_stage_t stage;
    httpc_conn_t *conn;
    um_timer_t *timer;
    uint64_t due_ns;
    um_httpc_pt on_answer;
    void *data;

    unsigned method;
    char *target;
    um_httpc_field_t *fields; /* .name NULL ends */
    um_str_t body;
    bool again;
    bool fresh;     /* no connection that was used before  */
    uint32_t tried; /* addresses that could not be reached */

    um_httpc_answer_t answer;
    struct evhttp_request *head; /* of the answer, owned */
    char *text;                  /* its body, owned */
    char why[96];

    char room[]; /* of what is asked */
};

/* ---- um_httpc.c ---- */

/* `head`, which is taken, and its body are the answer of the call. */
void httpc_call_answer(um_httpc_call_t *call, struct evhttp_request *head);

/* Its connection is lost, or never came to be.  `why` is lent for good; `err`
 * an errno, or 0. */
void httpc_call_lost(um_httpc_call_t *call, const char *why, int err);

/* Something is to be done in a turn. */
void httpc_wake(um_httpc_t *c);

/* How long a call may wait for what it waits for now. */
void httpc_call_timer(um_httpc_call_t *call);

/* ---- um_httpc_conn.c ---- */

/* NULL: no memory, logged. */
httpc_conn_t *httpc_conn_new(
    um_httpc_t *c, const um_resolved_t *to, uint32_t which);

/* An idle one that is still good, or NULL. */
httpc_conn_t *httpc_conn_idle(um_httpc_t *c);

/*
 * Send it; its end is told to the call, maybe before this returns.  UM_ERR: no
 * memory, the connection is in the trash.
 */
UM_MUSTCHECK um_rc_t httpc_conn_ask(httpc_conn_t *conn, um_httpc_call_t *call);

/* Close it in the next turn, from evhttp's callbacks; or at once, not from
 * them.  Its call has none then. */
void httpc_conn_trash(httpc_conn_t *conn);
void httpc_conn_close(httpc_conn_t *conn);

/* One in the trash, or of a client that ends. */
void httpc_conn_free(httpc_conn_t *conn);

/* Close those that are idle for too long. */
void httpc_on_sweep(void *httpc);

/* What evhttp read: its status, its body (copied; UM_ERR: no memory), a field
 * of its head. */
unsigned httpc_head_status(struct evhttp_request *head);
UM_MUSTCHECK um_rc_t httpc_head_body(
    struct evhttp_request *head, char **text, size_t *len);
const char *httpc_head_field(struct evhttp_request *head, const char *name);
void httpc_head_free(struct evhttp_request *head);

#endif /* UM_HTTPC_PRIV_H */
