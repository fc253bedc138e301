/*
 * coord.h -- the process of the coordinator: one loop, one object per proxy.
 *
 *   coordinator.c    the module
 *   coord_conf.c     its block of the configuration
 *   coord_run.c      its process: from start to end
 *   broker_link.c    asking a broker, and another one when it does not answer
 *   proxies.c        the proxies that there are
 *   beat.c           is it alive? what does it have?
 *   sync.c           what the broker says: who there is, and in what cluster
 *   spare.c          the same for proxies in no cluster
 *   push.c           that, to every proxy that does not have it
 *   ahead.c          a proxy that knows of a later epoch than the broker
 *   failover.c       reports of failures, and what follows from them
 *   back.c           a failed proxy that is well is taken back
 *   migrate.c        migrations that are done
 *   undo.c           those that are taken back
 *   resp_*.c         CONFIG, INFO in Redis' protocol
 *   http_status.c    /status, /metrics
 *   *_rule.c *_text.c cluster_view.c   decisions and texts: pure
 *
 * Nothing waits for anybody: each proxy has its own connection, deadlines and
 * timers, and what it costs is bounded.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef COORD_H
#define COORD_H

#include "back_rule.h"
#include "beat_text.h"
#include "broker_link.h"
#include "cluster_view.h"
#include "conf/um_module.h"
#include "coord_conf.h"
#include "push_rule.h"
#include "redis/um_talk.h"
#include "watch_rule.h"

#define NS_PER_MS UINT64_C(1000000)

typedef struct coord_s coord_t;
typedef struct coord_proxy_s coord_proxy_t;

/* Nodes of a proxy. */
#define COORD_NODES 2

/* What the process has done since it started. */
typedef struct {
    uint64_t beats;
    uint64_t looks; /* over fresh connections, in doubt */
    uint64_t rounds;
    uint64_t pushes;
    uint64_t pushes_refused;
    uint64_t push_bytes;
    uint64_t failures; /* proxies found dead */
    uint64_t reports;
    uint64_t failovers;
    uint64_t failovers_refused;
    uint64_t commits;
    uint64_t undone; /* tasks that were taken back */
    uint64_t taken_back;
    uint64_t ahead; /* times a broker was told of a later epoch */
} coord_stats_t;

typedef enum {
    KIND_UNKNOWN,
    KIND_OURS,   /* knows UMCTL BEAT */
    KIND_THEIRS, /* one of the reference's */
} proxy_kind_t;

typedef enum {
    STAGE_NONE,
    STAGE_REPL,    /* SETREPL is unanswered    */
    STAGE_CLUSTER, /* SETCLUSTER is unanswered */
} push_stage_t;

typedef enum { SPARE_UNKNOWN, SPARE_ASKED, SPARE_KNOWN } spare_state_t;

struct coord_proxy_s {
    coord_t *co;
    char address[UM_ADDR_TEXT_MAX + 1];

    /* beat.c */
    um_talk_t *talk;
    um_talk_t *look;   /* NULL: it is not doubted */
    um_timer_t *timer; /* of the next look        */
    watch_t watch;
    proxy_kind_t kind;
    beat_t beat;       /* what it said last */
    bool beaten;       /* it has said so over this connection */
    uint64_t clock_ms; /* its clock, when it said so; 0: it has no lease */
    uint64_t clock_ns; /* and ours, um_clock_boot_ns()                   */
    bool hanging_up;   /* we are; that is no news of it */
    uint32_t beating;  /* commands of a beat without answer */
    uint64_t beat_due_ns;
    uint64_t heard_ns; /* when it answered last; 0: never */
    char why[96];      /* the latest failure, for the log */

    /* sync.c, spare.c: what the broker says */
    bool listed;  /* it is registered */
    bool failed;  /* and marked as failed */
    view_t *view; /* of its cluster; NULL: in none */
    uint32_t index;
    char node[COORD_NODES][UM_ADDR_TEXT_MAX + 1];
    uint32_t nodes;
    spare_state_t spare;
    uint64_t spare_epoch;    /* KNOWN: what it is to have */
    uint64_t spare_asked_ns; /* KNOWN: that is as of then */
    uint64_t spare_after_ns; /* UNKNOWN: not asked about before */
    uint64_t spare_turn;     /* of the brokers when it was asked */

    /* push.c */
    push_stage_t stage;
    bool fresh;             /* counts among co->pushing */
    uint64_t pushed_ns;     /* when the stage began */
    uint64_t push_epoch;    /* that it is about */
    bool push_spare;        /* or to be none of a cluster's */
    uint64_t push_after_ns; /* not before */
    uint32_t push_vain;     /* in a row */
    uint64_t taken;         /* epoch of what it took as a whole */
    bool taken_spare;       /* and that it is in no cluster     */
    uint64_t unsure;        /* epoch of what it may have taken in part; 0 */
    push_hint_t hint;
    uint64_t hint_epoch;
    uint64_t ahead_ns; /* since when it is ahead of the broker; 0: it is not */
    uint64_t ahead_said_ns;
    uint32_t ahead_times;
    char complaint[96]; /* why it refused; logged when it changes */

    /* failover.c, migrate.c, back.c */
    bool reporting; /* a request is under way */
    bool withdraw;  /* the broker still has a report of ours */
    bool failing_over;
    char refusal[48]; /* the broker's, of its failover */
    uint32_t committing;
    uint64_t commit_after_ns;
    bool asked_health;
    uint64_t health_after_ns; /* not before */
    uint64_t protocol; /* of migrations, that the broker was told; 0: none */
    uint64_t undo_id;  /* of what it was asked to undo; 0: of nothing */
    back_t back;
    bool taking_back;
};

struct coord_s {
    const um_proc_env_t *env;
    const coord_conf_t *conf;
    um_loop_t *loop;
    um_jobs_t *names;        /* of proxies */
    um_jobs_t *broker_names; /* and of brokers */
    um_io_t channel;
    bool leaving;
    char *reporter; /* by what name it reports */
    uint64_t started_ns;
    coord_stats_t stats;

    brokers_t *brokers;
    um_timer_t *tick;      /* beats, and what has waited long enough */
    um_talk_bytes_t bytes; /* of connections that are no more */

    coord_proxy_t **proxy; /* sorted by address */
    uint32_t proxies;
    uint32_t room;

    um_list_t views;   /* of all clusters */
    uint64_t epoch;    /* the broker's, of what is known here */
    uint64_t known_ns; /* as of then; 0: nothing is known */
    uint64_t sure_ns;  /* and as of then that is still so; boot time */
    struct sync_s *sync;
    uint32_t spare_asking;
    uint32_t spare_at;    /* whom to ask about again */
    uint32_t pushing;     /* pushes that have just begun */
    uint32_t push_at;     /* where to go on */
    uint64_t recovery_ns; /* when a broker was last made to ask everybody */
    struct failover_s *failover;
    struct undo_s *undo;

    struct door_s *door;
    struct um_httpd_s *httpd;
};

static inline uint64_t
coord_ms(coord_t *co)
{
    return um_loop_now(co->loop) / NS_PER_MS + 1;
}

/* "/prefix/address"; the broker does not undo escapes, so there are none. */
void coord_target(
    um_sbuf_t *out, const char *prefix, const char *address, const char *end);

/* ---- proxies.c ---- */

/* NULL: there is none. */
coord_proxy_t *proxies_find(const coord_t *co, const char *address);

/* There, or made.  NULL: no memory or no address, logged. */
coord_proxy_t *proxies_need(coord_t *co, const char *address);

/* Not from a callback of its connection. */
void proxies_remove(coord_t *co, uint32_t i);
void proxies_free(coord_t *co);

/* Another connection to it, not there yet; NULL: no memory, logged.  And the
 * end of one; NULL is fine. */
um_talk_t *proxy_new_talk(coord_proxy_t *p);
void proxy_end_talk(coord_proxy_t *p, um_talk_t **talk);

/* Bytes sent to and received from all there have been. */
um_talk_bytes_t proxies_bytes(const coord_t *co);

/* ---- beat.c ---- */

um_rc_t beat_start(coord_t *co);

/* A new proxy: look at it soon. */
um_rc_t beat_init(coord_proxy_t *p);
void beat_deinit(coord_proxy_t *p);

/* It has what it should, and is to hear soon that we vouch for it. */
void beat_soon(coord_proxy_t *p);

/* Its connection is of no use: the next beat makes another. */
void beat_hang_up(coord_proxy_t *p, const char *why);

/* ---- sync.c, spare.c ---- */

um_rc_t sync_start(coord_t *co);
void sync_stop(coord_t *co);

/* Something has changed at the broker: look now. */
void sync_now(coord_t *co);

/* Began a round of what is known here after `ns`? */
bool sync_is_newer(const coord_t *co, uint64_t ns);

/* Ask about those in no cluster of which nothing is known. */
void spare_ask(coord_t *co);

/* Once in a while about one of which something is. */
void spare_ask_again(coord_t *co);

/* ---- push.c ---- */

/* Whoever needs something gets it, as far as it is his turn. */
void push_scan(coord_t *co);

/* The same for one who has just answered. */
void push_consider(coord_proxy_t *p);

/* Called often: time has gone by. */
void push_tick(coord_t *co);

/* Has it what the broker wants it to have? */
bool push_is_done(coord_proxy_t *p);

/* ---- ahead.c ---- */

/* It knows of a later epoch than the broker does; or does not. */
void ahead_note(coord_proxy_t *p, bool ahead);

/* ---- failover.c ---- */

um_rc_t failover_start(coord_t *co);
void failover_stop(coord_t *co);

/* It has failed; it is well again.  Both are said until they are heard. */
void failover_report(coord_proxy_t *p);
void failover_withdraw(coord_proxy_t *p);

/* ---- back.c, migrate.c ---- */

/* A beat has been answered. */
void back_consider(coord_proxy_t *p);
void migrate_consider(coord_proxy_t *p);

/* The broker may not know its protocol: ask for it and tell it again. */
void migrate_forget(coord_proxy_t *p);

/* UMCTL INFOMGR has been answered. */
void migrate_take(coord_proxy_t *p, const redisReply *reply);

/* ---- undo.c ---- */

um_rc_t undo_start(coord_t *co);
void undo_stop(coord_t *co);

/* The views are new: is something to be taken back? */
void undo_consider(coord_t *co);

/* Tasks that are being taken back. */
uint32_t undo_count(const coord_t *co);

/* ---- resp_door.c, http_status.c ---- */

um_rc_t door_start(coord_t *co);
void door_stop(coord_t *co);
um_rc_t status_start(coord_t *co);
void status_stop(coord_t *co);

/* ---- coord_run.c ---- */

int coord_run(const um_proc_env_t *env);

/* Other brokers, from now on and after a restart.  UM_ERR: no memory. */
UM_MUSTCHECK um_rc_t coord_set_brokers(
    coord_t *co, const um_addr_t *list, uint32_t count);

#endif /* COORD_H */
