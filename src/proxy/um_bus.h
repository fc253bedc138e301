/*
 * um_bus.h -- workers ask each other: CLIENT LIST, KILL, UNBLOCK.
 *
 * A question goes to every other living worker; each answers with texts of
 * any length, sent in pieces that fit a SOCK_SEQPACKET message.  A worker that
 * does not answer in time (dead, hung) is left out.  Bounded: 64 questions
 * under way per worker, an answer of at most 64 MB.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_BUS_H
#define UM_BUS_H

#include "proxy/um_worker.h"

typedef enum {
    UM_BUS_CLIENT_LIST = 1, /* um_client_ask.c */
    UM_BUS_CLIENT_KILL,     /* um_client_ask.c */
    UM_BUS_CLIENT_UNBLOCK,  /* um_client_ask.c */
    UM_BUS_FUTURE,          /* UMCTL DEBUG FUTURE, a later issue */
} um_bus_what_t;

/* All answers are in, or the time is over: `answers` are joined in the order
 * they came.  Always called exactly once, never before um_bus_ask() returns. */
typedef void (*um_bus_done_pt)(void *data, um_str_t answers);

/*
 * Answer a question (borrowed) of another worker: append to the text of `a`,
 * then call um_bus_answer_end(), at once or in a later turn, but always, and
 * before um_bus_free().
 */
typedef struct um_bus_answer_s um_bus_answer_t;
typedef void (*um_bus_answer_pt)(
    um_worker_t *w, um_str_t question, um_bus_answer_t *a);

um_sbuf_t *um_bus_answer_text(um_bus_answer_t *a);
void um_bus_answer_end(um_bus_t *bus, um_bus_answer_t *a); /* `a` is taken */

/* NULL: logged. */
um_bus_t *um_bus_new(um_worker_t *w);
void um_bus_free(um_bus_t *bus);

/* Who answers `what`; set once per process, before the first turn. */
void um_bus_serve(um_bus_t *bus, um_bus_what_t what, um_bus_answer_pt answer);

/*
 * Ask all others.  `question` (at most 60,000 bytes) is borrowed.  UM_ERR: too
 * many under way or out of memory; `done` will not be called.
 */
UM_MUSTCHECK um_rc_t um_bus_ask(um_bus_t *bus, um_bus_what_t what,
    um_str_t question, um_bus_done_pt done, void *data);

/* Have all other workers look at the noticeboard now: something is new. */
void um_bus_wake_all(um_bus_t *bus);

/* Housekeeping: pieces that did not fit, questions out of time. */
void um_bus_tick(um_bus_t *bus);

#endif /* UM_BUS_H */
