/*
 * broker_link.h -- asking a broker over HTTP.
 *
 * One of several is asked (broker_rule.h); what gets no answer there is asked
 * of the next one, if it does no harm when it is executed twice.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef BROKER_LINK_H
#define BROKER_LINK_H

#include "core/um_addr.h"
#include "coord_conf.h"
#include "http/um_httpc.h"
#include "net/um_job.h"

#define BROKER_ABOUT_MAX (2 * UM_ADDR_TEXT_MAX)

typedef struct brokers_s brokers_t;

/* Endpoints of ours, which a broker of the reference does not have. */
typedef enum { LACKS_UNREPORT = 1, LACKS_SEEN = 2, LACKS_PROTOCOL = 4 } lack_t;

typedef struct {
    unsigned method;    /* one UM_HTTP_*                                 */
    const char *target; /* below /api/v3: "/epoch"                       */
    um_str_t body;      /* JSON; empty: none                             */
    const char *etag;   /* for If-None-Match; NULL or "": none           */
    bool view;          /* may come packed, if compression is on         */
    bool only_once;     /* is not asked again when it may have been done */
    const char *about;  /* copied, and given back; NULL: ""              */
} broker_ask_t;

/* All of it is borrowed. */
typedef struct {
    unsigned status; /* 0: no broker has answered */
    const char *why;
    um_str_t body;
    const char *etag; /* "": none */
    const char *about;
    uint32_t link; /* who answered, for brokers_lack() */
} broker_answer_t;

typedef void (*broker_pt)(void *data, const broker_answer_t *a);

/* `conf` and `jobs` are lent, as for um_httpc_new().  NULL: logged. */
UM_MUSTCHECK brokers_t *brokers_new(
    um_loop_t *loop, um_jobs_t *jobs, const coord_conf_t *conf);

/* No callback runs any more. */
void brokers_free(brokers_t *b);

/* Ask these from now on; what has been asked already is answered yet.  UM_ERR:
 * no memory, it asks whom it did before. */
UM_MUSTCHECK um_rc_t brokers_set(
    brokers_t *b, const um_addr_t *list, uint32_t count);

/* `data` is lent until the callback, which runs once and from the loop.
 * UM_ERR: it will not; logged. */
UM_MUSTCHECK um_rc_t brokers_ask(
    brokers_t *b, const broker_ask_t *ask, broker_pt on_answer, void *data);

/* Changes whenever another broker is asked than before. */
uint64_t brokers_turn(const brokers_t *b);

/* Does the one that is asked now lack these? */
bool brokers_lacks(const brokers_t *b, lack_t what);

/* An answer was 404 or 405 to `what`.  True: for want of such an endpoint;
 * that is remembered. */
bool brokers_lack(brokers_t *b, const broker_answer_t *a, lack_t what);

/* The code in {"error":"CODE"}; "": it has none.  `out` has room for `size`. */
void broker_error(const broker_answer_t *a, char *out, size_t size);

/* "a:1,b:2" */
void brokers_list(const brokers_t *b, um_sbuf_t *out);

/* For the status. */
typedef struct {
    const char *address;
    bool current;
    bool resting; /* it did not answer, and is left alone for a while */
    uint64_t asked;
    uint64_t failed;
    uint64_t answered_ns; /* the last time; 0: never */
} broker_state_t;

/* False: there is no i-th. */
bool brokers_state(const brokers_t *b, uint32_t i, broker_state_t *out);

#endif /* BROKER_LINK_H */
