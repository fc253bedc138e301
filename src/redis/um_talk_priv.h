/*
 * um_talk_priv.h -- what um_talk.c and um_talk_dial.c share.
 *
 *   IDLE       -> RESOLVING  [um_talk_dial]   the address is a name
 *   IDLE       -> CONNECTING [um_talk_dial]
 *   RESOLVING  -> CONNECTING [dial_on_names]
 *   CONNECTING -> GREETING   [talk_connected] there is a password
 *   CONNECTING -> UP         [talk_connected]
 *   GREETING   -> UP         [talk_on_auth]
 *   any        -> IDLE       [um_talk_fail]
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_TALK_PRIV_H
#define UM_TALK_PRIV_H

#include <netinet/in.h>

#include "core/um_list.h"
#include "core/um_sbuf.h"
#include "redis/um_talk.h"

typedef enum {
    TALK_IDLE,
    TALK_RESOLVING,
    TALK_CONNECTING,
    TALK_GREETING,
    TALK_UP,
} talk_state_t;

typedef struct {
    um_list_t link; /* in talk->waiting, then talk->said */
    um_talk_pt done;
    void *data;
    uint64_t due_ns;
    uint64_t begin; /* where its bytes begin in the stream; `said` only */
    bool over;      /* `done` has been called; an answer is awaited yet */
    size_t len;
    char bytes[];
} talk_cmd_t;

struct um_talk_s {
    um_loop_t *loop;
    um_addr_t addr;
    um_talk_conf_t conf;
    talk_state_t state;
    um_io_t io;
    um_timer_t *timer; /* the earliest deadline, or what is to be done soon */
    redisReader *reader;
    struct talk_names_s *names; /* RESOLVING: the job that counts */
    uint32_t attempt;           /* which of a name's addresses to try */
    uint64_t connect_due_ns;    /* RESOLVING to GREETING */
    uint64_t connection;        /* counts them, for callbacks that end one */

    um_list_t waiting; /* not in `out` yet */
    um_list_t said;    /* in `out` or on the wire, in order */
    uint32_t pending;
    um_sbuf_t out;
    size_t out_pos;   /* written of `out` */
    uint64_t stream;  /* bytes ever put into `out` of this connection */
    uint64_t written; /* of them, taken by the socket */
    size_t unread;    /* bytes of an answer that is not whole yet */
    um_talk_bytes_t bytes;

    um_io_pt on_end;
    void *end_data;
    char host[INET6_ADDRSTRLEN]; /* of the other end, in digits; "": none */
    char why[256];               /* the latest failure */
    bool refused;
    bool ours;      /* it is our own want of something */
    bool failed;    /* at once: to be told from the timer */
    uint32_t depth; /* callbacks that we are in */
    bool freed;     /* as soon as that is 0 */
};

/* Begin to connect.  What fails at once is told later, by um_talk_soon(). */
void um_talk_dial(um_talk_t *t);

/* Nobody wants that name any more. */
void um_talk_dial_cancel(um_talk_t *t);

/* `fd` connects; taken. */
void um_talk_dialled(um_talk_t *t, int fd);

/* The attempt has failed: remember why, and tell it from the loop. */
void um_talk_soon(um_talk_t *t, int err, const char *why);

/* The connection has failed, tell everybody now.  `t` may be gone. */
void um_talk_fail(um_talk_t *t, int err, const char *why);

/* The same, and the other end has nothing to do with it. */
void um_talk_fail_here(um_talk_t *t, const char *why);

/* A callback may free it: whatever calls one is between these two.  False: it
 * is gone. */
void um_talk_enter(um_talk_t *t);
bool um_talk_leave(um_talk_t *t);

/* The timer runs when the next of us is late. */
void um_talk_set_timer(um_talk_t *t);

void um_talk_answer(um_talk_t *t, talk_cmd_t *c, const um_talk_answer_t *a);

/* um_talk_io.c: a command that waits for its turn, whole or of pieces.  UM_ERR:
 * out of memory. */
um_rc_t um_talk_add(um_talk_t *t, uint64_t timeout, um_talk_pt done, void *data,
    uint32_t argc, const um_str_t *argv);
um_rc_t um_talk_add_pieces(um_talk_t *t, uint64_t timeout, um_talk_pt done,
    void *data, const um_str_t *piece, uint32_t pieces);

/* All that waits goes into the stream. */
void um_talk_send(um_talk_t *t);

/* UM_ERR: the connection is of no use, errno says why. */
um_rc_t um_talk_write(um_talk_t *t);

void um_talk_on_readable(void *data);

#endif /* UM_TALK_PRIV_H */
