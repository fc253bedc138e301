/*
 * um_talk.h -- a conversation with a Redis, or with a proxy, where we are the
 * client and want to know what the answer says.
 *
 * For the control plane: a few commands a second, each with its own deadline,
 * answers taken apart.  hiredis is the codec, sockets and time are ours.  The
 * data plane has um_backend.h.
 *
 * Commands are pipelined and answered in order.  Nothing is ever sent twice:
 * a command whose connection ends is answered by what is known of it.  The
 * first command connects; after an end the next one does so anew, and how often
 * that may be is the caller's matter.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_TALK_H
#define UM_TALK_H

#include <hiredis/hiredis.h>

#include "core/um_addr.h"
#include "net/um_job.h"
#include "net/um_loop.h"

typedef struct um_talk_s um_talk_t;

typedef enum {
    UM_TALK_ANSWERED, /* `reply` says what; it may be an error           */
    UM_TALK_UNSENT,   /* not a byte of it was sent: surely not executed  */
    UM_TALK_LOST,     /* no answer will come: may have been executed     */
    UM_TALK_LATE,     /* none in time: may be executed yet               */
} um_talk_end_t;

/* All of it is lent until the callback returns. */
typedef struct {
    um_talk_end_t end;
    const redisReply *reply; /* ANSWERED */
    const char *why;         /* else: "connect failed: Connection refused" */
    bool refused;            /* UNSENT: nobody listens there */
    bool ours; /* UNSENT for want of memory, descriptors or threads of our own:
                  it says nothing about the other end */
} um_talk_answer_t;

/* Exactly once for each command, never from within um_talk_say().  It may call
 * anything of this header. */
typedef void (*um_talk_pt)(void *data, const um_talk_answer_t *a);

typedef struct {
    const char *user;         /* NULL: none; lent, as the password */
    const char *password;     /* NULL: none                        */
    uint64_t connect_timeout; /* ms, names and AUTH included       */
    size_t reply_max;         /* bytes of one answer               */
    uint32_t commands_max;    /* unanswered at once                */
    um_jobs_t *names;         /* lent: where names are resolved    */
} um_talk_conf_t;

/* `addr` is copied, `conf` too but for what it points to.  NULL: out of
 * memory, logged. */
UM_MUSTCHECK um_talk_t *um_talk_new(
    um_loop_t *loop, const um_addr_t *addr, const um_talk_conf_t *conf);

/* Ends it as um_talk_end() does, and no callback runs any more. */
void um_talk_free(um_talk_t *t); /* NULL is fine */

/*
 * Say a command; its words are copied.  `timeout` ms are for all of it:
 * connecting, sending, the answer.  UM_ERR: out of memory or too many are
 * unanswered; `done` will not be called.
 */
UM_MUSTCHECK um_rc_t um_talk_say(um_talk_t *t, uint64_t timeout,
    um_talk_pt done, void *data, uint32_t argc, const um_str_t *argv);

/* The same with words that stand in one string, apart by single spaces. */
UM_MUSTCHECK um_rc_t um_talk_sayz(um_talk_t *t, uint64_t timeout,
    um_talk_pt done, void *data, const char *words);

/* The same for a request that is written already, in pieces. */
UM_MUSTCHECK um_rc_t um_talk_say_pieces(um_talk_t *t, uint64_t timeout,
    um_talk_pt done, void *data, const um_str_t *piece, uint32_t pieces);

/* Nobody wants the answers of the commands that were said with `data`. */
void um_talk_disown(um_talk_t *t, const void *data);

/* Hang up, now: commands are answered with LOST or UNSENT from within. */
void um_talk_hang_up(um_talk_t *t, const char *why);

/* `on_end` is called when a connection that stood ends by itself, after the
 * commands have been answered; also when nothing was asked at the time. */
void um_talk_on_end(um_talk_t *t, um_io_pt on_end, void *data);

/* Connected and greeted. */
bool um_talk_is_up(const um_talk_t *t);

/* Commands that are not answered yet. */
uint32_t um_talk_pending(const um_talk_t *t);

const um_addr_t *um_talk_addr(const um_talk_t *t);

/* The other end's host in digits, once it has been connected to: what a name
 * stands for.  NULL: not known, or a UNIX socket. */
const char *um_talk_host(const um_talk_t *t);

/* Bytes sent and received in its life. */
typedef struct {
    uint64_t sent;
    uint64_t received;
} um_talk_bytes_t;

um_talk_bytes_t um_talk_bytes(const um_talk_t *t);

#endif /* UM_TALK_H */
