/*
 * broker.h -- the process of the broker: one store, its settings, its doors.
 *
 *   broker.c         the module
 *   broker_conf.c    its block of the configuration
 *   broker_run.c     its process: from start to end
 *   broker_change.c  changes: applied together, made durable, then answered
 *   broker_scale.c   what waits for proxies: scaling, repair, epochs
 *   api*.c           requests
 *   store*.c         what is decided
 *   file*.c          what is kept
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef BROKER_H
#define BROKER_H

#include "broker_conf.h"
#include "conf/um_module.h"
#include "core/um_list.h"
#include "file.h"
#include "http/um_httpd.h"
#include "net/um_job.h"
#include "store.h"
#include "views.h"

typedef struct broker_s broker_t;
typedef struct change_s change_t;

/* What the process has done since it started. */
typedef struct {
    uint64_t requests;
    uint64_t refused; /* 4xx and 5xx of ours */
    uint64_t changes; /* requests that changed something */
    uint64_t saves;
    uint64_t save_failures;
} broker_stats_t;

struct broker_s {
    const um_proc_env_t *env;
    const broker_conf_t *conf;
    um_loop_t *loop;
    um_httpd_t *httpd;
    um_http_route_t *routes; /* for all bases; api.c */
    um_http_route_t *routes_end;
    um_jobs_t *jobs; /* saves */
    um_jobs_t *asks; /* of proxies; they may take seconds */
    um_io_t channel;
    bool leaving;  /* now */
    bool quitting; /* once everybody is answered */

    store_t *store; /* durable; what is answered from */
    store_env_t settings;
    views_t views;
    file_t file; /* path NULL: in memory only */
    broker_stats_t stats;

    /* broker_change.c */
    um_list_t waiting; /* of change_t, in order of arrival */
    um_list_t flight;  /* those that `next` contains       */
    um_timer_t *turn;
    store_t *next; /* applied, being made durable; NULL: none */
    bool replaced; /* `next` is not a descendant of `store`   */
    um_sbuf_t text;
    bool saved;
    file_fault_t fault; /* why not */
    bool complained;    /* that saves fail */

    /* broker_scale.c */
    um_timer_t *tick;
    struct ask_s *asking; /* of proxies, for a scaling; NULL: nobody */
};

/* The settings, with the time as it is now. */
const store_env_t *broker_env(broker_t *b);

/* ---- Changes: broker_change.c ---- */

typedef store_rc_t (*change_apply_pt)(broker_t *b, store_t *s, change_t *c);

/* So many config pairs a request may have. */
#define CHANGE_PAIRS 64

struct change_s {
    um_list_t link;
    um_http_req_t *req; /* NULL: nobody waits for an answer */
    change_apply_pt apply;
    bool cancelled; /* the server has ended */
    void *json;     /* the body, cJSON; what is below points into it */

    um_str_t name;
    um_str_t reporter;
    uint64_t number;
    store_proxy_args_t proxy;
    store_task_args_t task;
    store_range_t *ranges; /* owned */
    store_pair_t pair[CHANGE_PAIRS];
    size_t pairs;
    char *text; /* owned */
    char owned_name[STORE_NAME_MAX + 1];

    /* The answer. */
    store_rc_t rc;
    store_why_t why;
    um_sbuf_t out;
    bool after; /* it, or one before it, changed something */
};

/* Zeroed; NULL without memory, logged. */
UM_MUSTCHECK change_t *change_new(um_http_req_t *r, change_apply_pt apply);
void change_free(change_t *c);

/*
 * Taken.  It is applied with all that come in the same turn, in order, and
 * answered when what they changed is durable.
 */
void change_add(broker_t *b, change_t *c);

um_rc_t changes_init(broker_t *b);

/* Those that nobody has applied are answered with 503. */
void changes_deinit(broker_t *b);
bool changes_are_idle(const broker_t *b);

/* ---- What waits for proxies: broker_scale.c ---- */

um_rc_t scale_init(broker_t *b);
void scale_deinit(broker_t *b);

/* Answer PUT epoch/recovery: ask all proxies, then go beyond them. */
void scale_recover(broker_t *b, um_http_req_t *r);

/* ---- Requests: api.c ---- */

/* The routes, before the server is made; and what only it can be told. */
um_rc_t api_init(broker_t *b);
void api_serve(broker_t *b);
void api_deinit(broker_t *b);

/* The answer of a change, and of anything else that has a code. */
void api_answer(broker_t *b, um_http_req_t *r, store_rc_t rc,
    const store_why_t *why, um_sbuf_t *out);

/* ---- The process: broker_run.c ---- */

int broker_run(const um_proc_env_t *env);

#endif /* BROKER_H */
