/*
 * broker.h -- the process of the broker: one store, its settings, its doors.
 *
 *   broker.c         the module
 *   broker_conf.c    its block of the configuration
 *   broker_run.c     its process: from start to end
 *   broker_change.c  changes: applied together, made durable, then answered
 *   broker_round.c   proxies are asked for their epochs
 *   broker_epoch.c   proxies that are ahead
 *   broker_recover.c PUT epoch/recovery
 *   broker_scale.c   what waits for proxies: scaling, repair
 *   broker_replica.c brokers that get a copy
 *   api*.c           requests
 *   store*.c         what is decided
 *   storage*.c       where it is kept
 *   file*.c          in a file
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef BROKER_H
#define BROKER_H

#include "ask.h"
#include "broker_conf.h"
#include "broker_replica.h"
#include "conf/um_module.h"
#include "core/um_list.h"
#include "file.h"
#include "http/um_httpd.h"
#include "net/um_job.h"
#include "storage.h"
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
    uint64_t reads; /* of a storage that others write to, too */
    uint64_t read_failures;
    uint64_t conflicts; /* saves that somebody else was faster with */
    uint64_t unsure;    /* saves of which nobody knows what came of them */
} broker_stats_t;

/*
 *   IDLE     -> FETCHING  [changes_start]
 *   FETCHING -> KEEPING   [changes_fetched]
 *   KEEPING  -> PAUSING   [changes_kept]   somebody else was faster
 *   PAUSING  -> FETCHING  [changes_start]
 *   any      -> IDLE      [changes_end]
 *
 *   FETCHING, PAUSING   `next` is NULL, and `store` may be replaced.
 */
typedef enum {
    CHANGES_IDLE,
    CHANGES_FETCHING,
    CHANGES_KEEPING,
    CHANGES_PAUSING,
} changes_stage_t;

/* Proxies that have not told their epoch since the state went back. */
typedef struct {
    um_timer_t *hold; /* changes wait until then at most */
    uint64_t until_ns;
    ask_list_t left;
    bool pending;
    bool asking;
    bool complained; /* of a proxy beyond all epochs */
} epoch_wait_t;

struct broker_s {
    const um_proc_env_t *env;
    const broker_conf_t *conf;
    um_loop_t *loop;
    um_httpd_t *httpd;
    um_http_route_t *routes; /* for all bases; api.c */
    um_http_route_t *routes_end;
    um_jobs_t *jobs;  /* saves */
    um_jobs_t *asks;  /* of proxies; they may take seconds */
    um_list_t rounds; /* of round_t under way              */
    um_io_t channel;
    bool leaving;  /* now */
    bool quitting; /* once everybody is answered */

    store_t *store;   /* durable; what is answered from */
    bool replica;     /* it came from another broker, and nothing was asked for
                         here since: nothing is done without being asked */
    uint64_t version; /* of `store`, in this process */
    store_env_t settings;
    views_t views;
    broker_stats_t stats;

    /* storage.c */
    const storage_t *storage;
    bool ready;        /* `store` is what is there       */
    um_sbuf_t where;   /* "storage file /path", for logs */
    trouble_t trouble; /* changes cannot be saved        */
    char trouble_text[256];
    file_t file;        /* path NULL: there is none    */
    unsigned notes;     /* of the file it has read     */
    um_sbuf_t text;     /* of `next`, on its way there */
    bool saved;         /* and that it is there        */
    file_fault_t fault; /* or why not                  */

    struct external_s *external; /* storage_http.c */
    uint64_t read_ns;            /* what is there was known then; 0: never */

    /* broker_change.c */
    um_list_t waiting; /* of change_t, in order of arrival */
    um_list_t flight;  /* those that `next` contains       */
    um_timer_t *turn;
    bool held; /* those that wait, wait on */
    changes_stage_t stage;
    unsigned conflicts; /* of this batch                           */
    store_t *next;      /* applied, being made durable; NULL: none */
    bool purged;        /* it lacks reports that have expired      */
    bool replaced;      /* `next` is not a descendant of `store`   */
    bool next_replica;  /* what `replica` will be with `next`      */

    epoch_wait_t epoch_wait; /* broker_epoch.c   */
    replicas_t replicas;     /* broker_replica.c */

    /* broker_scale.c */
    um_timer_t *tick;
    bool scale_asking; /* a round is under way */
};

/* The settings, with the time as it is now. */
const store_env_t *broker_env(broker_t *b);

/* What a broker says to its replica with PUT metadata. */
#define BROKER_PUSH "X-Undermoon-Push"

/* ---- Changes: broker_change.c ---- */

typedef store_rc_t (*change_apply_pt)(broker_t *b, store_t *s, change_t *c);

/* So many config pairs a request may have. */
#define CHANGE_PAIRS 64

struct change_s {
    um_list_t link;
    um_http_req_t *req; /* NULL: nobody waits for an answer */
    change_apply_pt apply;
    bool own;       /* nobody has asked for it */
    bool cancelled; /* the server has ended    */
    void *json;     /* the body, cJSON; what is below points into it */

    um_str_t name;
    um_str_t reporter;
    uint64_t number;
    bool pushed; /* by a broker to its replica */
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
    bool changed; /* it changed something            */
    bool after;   /* that, or one before it has done */
    bool whole;   /* and has put another store in its place  */
};

/* Zeroed; NULL without memory, logged. */
UM_MUSTCHECK change_t *change_new(um_http_req_t *r, change_apply_pt apply);
void change_free(change_t *c);

/*
 * Taken.  It is applied with all that come in the same turn, in order, and
 * answered when what they changed is durable.
 */
void change_add(broker_t *b, change_t *c);

/* The same, before all others that wait. */
void change_add_first(broker_t *b, change_t *c);

/* Be no replica any more, from the next batch on. */
void changes_lead(broker_t *b);

/* While held, nothing that waits is applied. */
void changes_hold(broker_t *b, bool on);

/* What the storage answers: see storage.h.  RETRY: somebody else was faster. */
void changes_fetched(broker_t *b, store_rc_t rc);
void changes_kept(broker_t *b, store_rc_t rc);

/* `s`, which is taken, is what there is: others have written it.  Not while
 * there is a `next`. */
void changes_adopt(broker_t *b, store_t *s);

um_rc_t changes_init(broker_t *b);

/* Those that nobody has applied are answered with 503. */
void changes_deinit(broker_t *b);
bool changes_are_idle(const broker_t *b);

/* ---- Rounds of questions to proxies: broker_round.c ---- */

typedef struct round_s round_t;
typedef void (*round_pt)(round_t *r);

/* The first member of something larger. */
struct round_s {
    broker_t *b;
    um_list_t link;
    ask_list_t proxies;
    round_pt on_answers; /* on the loop, with all that was told */
    round_pt on_free;    /* frees the larger one                */
};

/* Of a zeroed one. */
void round_init(round_t *r, broker_t *b, round_pt on_answers, round_pt on_free);

/* All that are registered.  UM_ERR: logged. */
UM_MUSTCHECK um_rc_t round_add_all(round_t *r);

/* UM_OK: taken, and freed behind on_answers(), or without it at the end of the
 * process.  UM_ERR: logged, still the caller's. */
UM_MUSTCHECK um_rc_t round_start(round_t *r);
void round_free(round_t *r);

um_rc_t rounds_init(broker_t *b);
void rounds_deinit(broker_t *b);

/* ---- Proxies that are ahead: broker_epoch.c, broker_recover.c ---- */

/* Answer PUT epoch/recovery: ask all proxies, then go beyond them. */
void epoch_recover(broker_t *b, um_http_req_t *r);

/* The highest epoch that a round has told; how many have told. */
uint64_t epoch_highest(broker_t *b, const round_t *r, size_t *told);

/* A proxy that was asked has answered, or not: should it be ahead of what it is
 * told, the epoch goes beyond it. */
void epoch_told(broker_t *b, const ask_one_t *p);

/* PUT epoch/seen: c->name is at c->number. */
store_rc_t epoch_apply_seen(broker_t *b, store_t *s, change_t *c);

/* The state is not the latest: hold changes until proxies were asked. */
um_rc_t epoch_begin(broker_t *b);
void epoch_on_tick(broker_t *b); /* each second */
void epoch_deinit(broker_t *b);

/* ---- What waits for proxies: broker_scale.c ---- */

um_rc_t scale_init(broker_t *b);
void scale_deinit(broker_t *b);

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
